import type { StateChanges } from '../../store/group-states';
import { parseObject } from '../../store/parse-object';
import {
  newAssignedGroup,
  stateOf,
  type AssignedGroup,
  type AssignedMember,
  type AssignedState,
  type KnownTopic,
  type Owner,
  type TopicPattern,
  type TopicsSeen,
} from '../machine/assigned-group';
import type { AssignorName } from '../assignors/assignor';
import { partitionKey } from '../assignors/assignor';
import { checkGroup, checkMember, checkTopics, isCount } from './assigned-checks';

/**
 * How a group is stored, in fields of its state:
 * - `head`, JSON: how it stands, that it is of this engine, the last epoch given;
 * - `topics`, JSON: the topics that the targets were made for;
 * - `member/<id>`, JSON: what the member has said of itself;
 * - `target/<id>`, JSON: the partitions that it is to have, by topic id;
 * - `mark/<id>`: `<member epoch> <revision>`;
 * - `until/<id>`: when its session ends, ms by Redis' clock;
 * - `sequence/<id>`: that of its last commit;
 * - `owner/<topic id>/<partition>`: `<owner epoch> <member id>`;
 * - `lookAt`: when somebody is to look for what is over, ms by Redis' clock.
 *
 * A group without members has the head alone. Heartbeats write `until` and `lookAt`, commits
 * `sequence`; all else changes with the fence.
 */
export interface StoredHead {
  state: AssignedState;
  engine: 'assigned';
  epoch: number;
}

export interface StoredMember {
  instanceId: string | null;
  clientId: string;
  clientHost: string;
  topics: string[];
  patterns: TopicPattern[];
  assignor: AssignorName;
  sessionTimeoutMs: number;
  revokeTimeoutMs: number;
  revokeByMs: number | null;
}

/** Name and number of partitions, by topic id. */
export interface StoredTopics {
  version: number;
  topics: Record<string, [string, number]>;
}

type Fields = Readonly<Record<string, string>>;

/** What stands in the fields of a group, but for those that heartbeats and commits write. */
function encode(group: AssignedGroup): Map<string, string> {
  const { epoch, members, owners, topics } = group;
  // The state comes first, and then the engine: scripts rely on it.
  const head: StoredHead = { state: stateOf(group), engine: 'assigned', epoch };
  const fields = new Map([['head', JSON.stringify(head)]]);
  if (members.size > 0) fields.set('topics', encodeTopics(topics));
  for (const member of members.values()) {
    const { memberId, revision } = member;
    fields.set(`member/${memberId}`, encodeMember(member));
    fields.set(`mark/${memberId}`, `${member.epoch} ${revision}`);
    fields.set(`target/${memberId}`, encodeTarget(member.target));
  }
  for (const [key, { memberId, ownerEpoch }] of owners) {
    fields.set(`owner/${key}`, `${ownerEpoch} ${memberId}`);
  }
  return fields;
}

/**
 * What must be written for the store to hold `after` where it held `before`; null when nothing.
 *
 * @param isNew whether nothing of this engine is stored yet
 */
export function changesBetween(
  before: AssignedGroup,
  after: AssignedGroup,
  isNew = false,
): StateChanges | null {
  const old = isNew ? new Map<string, string>() : encode(before);
  const next = encode(after);
  const set: string[] = [];
  const removed: string[] = [];
  for (const [field, value] of next) if (old.get(field) !== value) set.push(field, value);
  for (const field of old.keys()) if (!next.has(field)) removed.push(field);
  for (const { memberId, untilMs } of after.members.values()) {
    if (before.members.get(memberId)?.untilMs === untilMs) continue;
    set.push(`until/${memberId}`, String(untilMs));
  }
  for (const memberId of before.members.keys()) {
    if (!after.members.has(memberId)) removed.push(`until/${memberId}`, `sequence/${memberId}`);
  }
  if (set.length + removed.length === 0) return null;
  const hadMembers = before.members.size > 0;
  const hasMembers = after.members.size > 0;
  if (hasMembers) set.push('lookAt', String(nextLookMs(after)));
  else removed.push('lookAt');
  const isSame = hadMembers === hasMembers;
  return { set, removed, emptiness: isSame ? 'same' : hasMembers ? 'ends' : 'begins' };
}

/** When the first session or revocation is over, as far as is known. */
export function nextLookMs({ members }: AssignedGroup): number {
  let first = Number.MAX_SAFE_INTEGER;
  for (const { untilMs, revokeByMs } of members.values()) {
    first = Math.min(first, untilMs, revokeByMs ?? untilMs);
  }
  return first;
}

/**
 * Reads a group from its hash. Fields that are not known are passed over.
 *
 * @throws Error that says what is not as a save writes it
 */
export function decodeGroup(groupId: string, fields: Fields): AssignedGroup {
  const head = decodeHead(fields['head']);
  const members = new Map<string, AssignedMember>();
  const owners = new Map<string, Owner>();
  // Redis gives the fields in any order; here they get one that is the same each time.
  for (const field of Object.keys(fields).sort()) {
    if (field.startsWith('member/')) {
      const memberId = field.slice('member/'.length);
      members.set(memberId, decodeMember(memberId, fields));
    } else if (field.startsWith('owner/')) {
      owners.set(field.slice('owner/'.length), decodeOwner(field, fields[field]!));
    }
  }
  const empty = newAssignedGroup(groupId, head.epoch);
  const topics = members.size === 0 ? empty.topics : decodeTopics(fields['topics']);
  const group = { ...empty, topics, members, owners };
  checkGroup(group);
  if (stateOf(group) !== head.state) throw new Error(`it is not ${head.state}, as its head says`);
  return group;
}

/** Reads the head of a group. @throws Error */
export function decodeHead(text: string | undefined): StoredHead {
  if (text === undefined) throw new Error('it has no head');
  const { state, engine, epoch } = parseObject('its head', text);
  const states: unknown[] = ['empty', 'reconciling', 'stable'] satisfies AssignedState[];
  if (!states.includes(state)) throw new Error(`its state "${String(state)}" is unknown`);
  if (engine !== 'assigned') throw new Error(`its engine "${String(engine)}" is unknown`);
  if (!isCount(epoch)) throw new Error('its epoch is no number');
  return { state: state as AssignedState, engine, epoch };
}

function encodeMember(member: AssignedMember): string {
  const { instanceId, clientId, clientHost, subscription, assignor } = member;
  const { sessionTimeoutMs, revokeTimeoutMs, revokeByMs } = member;
  const times = { sessionTimeoutMs, revokeTimeoutMs, revokeByMs };
  const { topics, patterns } = subscription;
  return JSON.stringify({ instanceId, clientId, clientHost, topics, patterns, assignor, ...times });
}

function decodeMember(memberId: string, fields: Fields): AssignedMember {
  const member = parseObject(`its member "${memberId}"`, fields[`member/${memberId}`]!);
  checkMember(memberId, member);
  const { instanceId, clientId, clientHost, topics, patterns, assignor } = member;
  const { sessionTimeoutMs, revokeTimeoutMs, revokeByMs } = member;
  const [epoch, revision] = numbers(fields[`mark/${memberId}`], 2);
  const [untilMs] = numbers(fields[`until/${memberId}`], 1);
  if (untilMs === undefined) throw new Error(`its member "${memberId}" has no epoch or session`);
  return {
    memberId,
    instanceId,
    clientId,
    clientHost,
    assignor,
    sessionTimeoutMs,
    revokeTimeoutMs,
    revokeByMs,
    untilMs,
    subscription: { topics, patterns },
    epoch: epoch!,
    revision: revision!,
    target: decodeTarget(memberId, fields[`target/${memberId}`]),
  };
}

function encodeTarget(target: ReadonlySet<string>): string {
  const byTopic: Record<string, number[]> = {};
  for (const key of [...target].sort()) {
    const slash = key.lastIndexOf('/');
    (byTopic[key.slice(0, slash)] ??= []).push(Number(key.slice(slash + 1)));
  }
  return JSON.stringify(byTopic);
}

function decodeTarget(memberId: string, text: string | undefined): Set<string> {
  const what = `the target of "${memberId}"`;
  const target = new Set<string>();
  for (const [topicId, partitions] of Object.entries(parseObject(what, text ?? ''))) {
    if (!Array.isArray(partitions)) throw new Error(`${what} is no list`);
    for (const partition of partitions) {
      if (!isCount(partition)) throw new Error(`${what} has a partition that is no number`);
      target.add(partitionKey(topicId, partition));
    }
  }
  return target;
}

function encodeTopics({ version, byId }: TopicsSeen): string {
  const topics: StoredTopics['topics'] = {};
  for (const [topicId, { name, partitions }] of byId) topics[topicId] = [name, partitions];
  return JSON.stringify({ version, topics } satisfies StoredTopics);
}

function decodeTopics(text: string | undefined): TopicsSeen {
  const stored = parseObject('its list of topics', text ?? '');
  checkTopics(stored);
  const byId = Object.entries(stored.topics).map(([topicId, [name, partitions]]) => {
    return [topicId, { name, partitions }] satisfies [string, KnownTopic];
  });
  return { version: stored.version, byId: new Map(byId) };
}

function decodeOwner(field: string, text: string): Owner {
  const space = text.indexOf(' ');
  const ownerEpoch = Number(text.slice(0, Math.max(space, 0)) || 'nothing');
  if (!isCount(ownerEpoch)) throw new Error(`its "${field}" has no epoch`);
  return { memberId: text.slice(space + 1), ownerEpoch };
}

/** So many numbers with spaces between them; none where it is anything else. */
function numbers(text: string | undefined, count: number): number[] {
  const found = (text ?? '').split(' ').map((part) => Number(part || 'nothing'));
  return found.length === count && found.every(isCount) ? found : [];
}
