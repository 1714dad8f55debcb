import type { AssignedMember, KnownTopic, Subscription, TopicsSeen } from './assigned-group';

/** Ids of the topics that a subscription means. */
export function subscribedTopicIds(
  subscription: Subscription,
  topics: ReadonlyMap<string, KnownTopic>,
): Set<string> {
  const names = new Set(subscription.topics);
  const patterns = subscription.patterns.map(({ source, flags }) => {
    return new RegExp(`^(?:${source})$`, flags);
  });
  const found = new Set<string>();
  for (const [topicId, { name }] of topics) {
    if (names.has(name) || patterns.some((pattern) => pattern.test(name))) found.add(topicId);
  }
  return found;
}

/** Those of the topics that some member subscribes to. */
export function topicsOfInterest(
  members: Iterable<AssignedMember>,
  topics: TopicsSeen,
): TopicsSeen {
  const byId = new Map<string, KnownTopic>();
  // Most members of a group subscribe to the same.
  const seen = new Set<string>();
  for (const { subscription } of members) {
    const text = JSON.stringify(subscription);
    if (seen.has(text)) continue;
    seen.add(text);
    for (const topicId of subscribedTopicIds(subscription, topics.byId)) {
      byId.set(topicId, topics.byId.get(topicId)!);
    }
  }
  return { version: topics.version, byId };
}

/** Whether both are the same topics with the same partitions. */
export function sameTopics(left: TopicsSeen, right: TopicsSeen): boolean {
  if (left.byId.size !== right.byId.size) return false;
  for (const [topicId, { name, partitions }] of left.byId) {
    const other = right.byId.get(topicId);
    if (other?.name !== name || other.partitions !== partitions) return false;
  }
  return true;
}
