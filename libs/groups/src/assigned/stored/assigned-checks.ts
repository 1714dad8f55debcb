import type { Unchecked } from '../../store/parse-object';
import type { AssignorName } from '../assignors/assignor';
import { assignors } from '../assignors/assignors';
import type { AssignedGroup, TopicPattern } from '../machine/assigned-group';
import type { StoredMember, StoredTopics } from './assigned-codec';

/** Checks the fields of a member. @throws Error that names the first that is wrong */
export function checkMember(
  memberId: string,
  member: Unchecked,
): asserts member is Unchecked & StoredMember {
  const checks: Record<string, boolean> = {
    instanceId: member['instanceId'] === null || typeof member['instanceId'] === 'string',
    clientId: typeof member['clientId'] === 'string',
    clientHost: typeof member['clientHost'] === 'string',
    topics: isListOf(member['topics'], (one) => typeof one === 'string'),
    patterns: isListOf(member['patterns'], isPattern),
    assignor: isAssignor(member['assignor']),
    sessionTimeoutMs: isCount(member['sessionTimeoutMs']),
    revokeTimeoutMs: isCount(member['revokeTimeoutMs']),
    revokeByMs: member['revokeByMs'] === null || isCount(member['revokeByMs']),
  };
  for (const [name, isRight] of Object.entries(checks)) {
    if (!isRight) throw new Error(`its member "${memberId}" has no ${name}`);
  }
}

/** Checks the topics that targets were made for. @throws Error */
export function checkTopics(topics: Unchecked): asserts topics is Unchecked & StoredTopics {
  const { version, topics: byId } = topics;
  const areTopics = typeof byId === 'object' && byId !== null && Object.values(byId).every(isTopic);
  if (!Number.isSafeInteger(version) || !areTopics) throw new Error('its topics cannot be read');
}

/** Checks what must hold between the parts of a group. @throws Error that says what does not */
export function checkGroup({ members, owners, topics }: AssignedGroup): void {
  const instances = new Set<string>();
  for (const { instanceId } of members.values()) {
    if (instanceId === null) continue;
    if (instances.has(instanceId)) throw new Error(`its instance "${instanceId}" is twice`);
    instances.add(instanceId);
  }
  for (const [key, { memberId }] of owners) {
    if (!members.has(memberId)) throw new Error(`"${key}" is of "${memberId}", who is no member`);
    const topicId = key.slice(0, key.lastIndexOf('/'));
    if (!topics.byId.has(topicId)) throw new Error(`"${key}" is of no topic that is known`);
  }
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTopic(value: unknown): boolean {
  const isPair = Array.isArray(value) && value.length === 2;
  return isPair && typeof value[0] === 'string' && isCount(value[1]);
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isAssignor(value: unknown): value is AssignorName {
  return typeof value === 'string' && Object.hasOwn(assignors, value);
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { source, flags } = value as Partial<TopicPattern>;
  if (typeof source !== 'string' || typeof flags !== 'string') return false;
  try {
    void new RegExp(source, flags);
    return true;
  } catch {
    return false;
  }
}
