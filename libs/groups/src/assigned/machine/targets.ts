import { parseOffsetField } from '../../store/offset-codec';
import { assignors, chosenAssignor } from '../assignors/assignors';
import type { Draft } from './draft';
import type { TopicsSeen } from './assigned-group';
import { sameTopics, subscribedTopicIds, topicsOfInterest } from './subscriptions';

/**
 * Takes over the topics as the maker of the step knows them. Members learn of a change within a
 * second, but not at the same moment: who is behind must not take back what others have seen.
 */
export function takeTopics(draft: Draft, found: TopicsSeen | null): void {
  const known = draft.before.topics;
  const seen = found === null || found.version < known.version ? behind(known, found) : found;
  const topics = topicsOfInterest(draft.members.values(), seen);
  if (sameTopics(draft.topics, topics)) return;
  draft.topics = topics;
  draft.isUnsettled = true;
}

/** Makes the targets anew where something has changed that they depend on. */
export function retarget(draft: Draft): void {
  if (!draft.isUnsettled) return;
  const topics = [...draft.topics.byId].map(([topicId, topic]) => ({ topicId, ...topic }));
  const members = [...draft.members.values()];
  const assign = assignors[chosenAssignor(members.map(({ assignor }) => assignor))];
  const assignment = assign({
    topics,
    members: members.map(({ memberId, instanceId, subscription, target }) => ({
      memberId,
      rank: instanceId ?? memberId,
      topicIds: subscribedTopicIds(subscription, draft.topics.byId),
      current: target,
    })),
  });
  for (const member of members) {
    const target = assignment.get(member.memberId)!;
    const isSame =
      target.size === member.target.size && [...target].every((key) => member.target.has(key));
    if (!isSame) draft.members.set(member.memberId, { ...member, target });
  }
}

/**
 * Gives every partition that nobody has to the member that is to have it, and takes those away that
 * are no more. A partition that somebody else still has stays with that one until it lets go.
 */
export function grant(draft: Draft): void {
  for (const key of draft.owners.keys()) {
    const { topicId, partition } = parseOffsetField(key);
    const topic = draft.topics.byId.get(topicId);
    if (topic === undefined || partition >= topic.partitions) draft.owners.delete(key);
  }
  for (const { memberId, target } of draft.members.values()) {
    for (const key of target) {
      if (draft.owners.has(key)) continue;
      draft.owners.set(key, { memberId, ownerEpoch: draft.nextEpoch() });
    }
  }
}

/** What is known stands; what is found beside it is taken for new. */
function behind(known: TopicsSeen, found: TopicsSeen | null): TopicsSeen {
  if (found === null) return known;
  return { version: known.version, byId: new Map([...found.byId, ...known.byId]) };
}
