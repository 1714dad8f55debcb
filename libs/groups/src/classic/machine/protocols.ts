import type { GroupProtocol } from '../../api';
import { metadataFor, type Group, type Member } from './group';
import { consumerProtocolType, readSubscribedTopics } from './subscription';

/**
 * Whether a member that offers these protocols can be in the group together with those that are in
 * it.
 */
export function supportsProtocols(
  group: Group,
  protocolType: string,
  protocols: readonly GroupProtocol[],
): boolean {
  if (protocolType === '' || protocols.length === 0) return false;
  if (group.members.size === 0) return true;
  if (group.protocolType !== protocolType) return false;
  return protocols.some(({ name }) => offeredByAll(group, name));
}

/**
 * The protocol of the next generation: of those that all members offer, the one that most members
 * like best. With equal votes the one that got its first vote from the longest-standing member
 * wins.
 */
export function chooseProtocol(group: Group): string {
  const candidates = commonProtocols(group);
  const votes = new Map<string, number>();
  for (const member of group.members.values()) {
    const choice = member.protocols.find(({ name }) => candidates.has(name));
    if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
  }
  let best = '';
  for (const [name, count] of votes) {
    if (best === '' || count > votes.get(best)!) best = name;
  }
  return best;
}

/**
 * Whether what a member wants to read is what it wanted before. For consumers the topics count: the
 * rest of the metadata (what it owned, of which generation) is lost with every restart, and says
 * nothing about what it wants.
 */
export function sameSubscription(before: Member, after: Member, group: Group): boolean {
  const left = metadataFor(before, group.protocolName);
  const right = metadataFor(after, group.protocolName);
  if (left.equals(right)) return true;
  if (group.protocolType !== consumerProtocolType) return false;
  const leftTopics = readSubscribedTopics(left);
  const rightTopics = readSubscribedTopics(right);
  if (leftTopics === null || rightTopics === null) return false;
  const wanted = new Set(leftTopics);
  const wantedNow = new Set(rightTopics);
  return wanted.size === wantedNow.size && [...wanted].every((topic) => wantedNow.has(topic));
}

/**
 * Whether a live member of a consumer group subscribes to the topic. When a member's metadata
 * cannot be read the answer is yes: rather refuse to delete an offset than delete one in use
 * (KIP-496).
 */
export function isSubscribed(group: Group, topic: string): boolean {
  if (group.protocolType !== consumerProtocolType) return false;
  for (const member of group.members.values()) {
    const chosen = member.protocols.find(({ name }) => name === group.protocolName);
    const topics = readSubscribedTopics((chosen ?? member.protocols[0]!).metadata);
    if (topics === null || topics.includes(topic)) return true;
  }
  return false;
}

function offeredByAll(group: Group, wanted: string): boolean {
  for (const member of group.members.values()) {
    if (!member.protocols.some(({ name }) => name === wanted)) return false;
  }
  return true;
}

function commonProtocols(group: Group): Set<string> {
  const [first] = group.members.values();
  const names = first?.protocols.map(({ name }) => name) ?? [];
  return new Set(names.filter((name) => offeredByAll(group, name)));
}
