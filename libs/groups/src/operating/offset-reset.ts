import type { PartitionBounds, PartitionRef, PartitionStore } from '@sluice/log';
import type { Topic, TopicCatalog } from '@sluice/log';
import { RecordsError } from '@sluice/records';
import { ErrorCode } from '@sluice/wire';
import type { OffsetToCommit } from '../api';
import type { GroupCoordinator } from '../coordinator/coordinator';
import { GroupRefusal } from './group-refusal';
import { check, type GroupOperator } from './operator';

/** Where offsets are to be set. */
export type ResetTarget =
  | { to: 'start' }
  | { to: 'end' }
  | { to: 'offset'; offset: number }
  | { to: 'time'; timestampMs: number }
  /** By so many records from the committed offset, back where it is negative. */
  | { to: 'shift'; by: number };

/** One partition, and where it is to be set. */
export interface PartitionReset {
  topic: string;
  partition: number;
  target: ResetTarget;
}

/** What is to be reset. */
export interface ResetRequest {
  groupId: string;
  /** Null: every partition for which the group has committed. */
  partitions: readonly PartitionReset[] | { target: ResetTarget; topics: string[] | null };
  /** Only says what would be. */
  dryRun: boolean;
  /** Makes the group where it does not exist. */
  create: boolean;
  /** More are refused, however they are named. */
  partitionsMax: number;
}

/** What a reset does, or would do, to one partition. */
export interface ResetResult {
  topic: string;
  partition: number;
  /** Null where nothing was committed. */
  before: number | null;
  after: number;
  /** The target lies outside the log, and its nearest offset was taken. */
  clamped: boolean;
}

/** What a reset needs. */
export interface ResetDeps {
  groups: GroupCoordinator;
  catalog: TopicCatalog;
  store: PartitionStore;
  operator: GroupOperator;
}

/** Partitions whose bounds are asked for in one round trip, so that nothing else waits long. */
const boundsAtOnceMax = 500;

/**
 * Sets committed offsets, as kafka-consumer-groups --reset-offsets does: only while the group has
 * no members, by a commit that is fenced like any other and raises the lineage, so whoever went on
 * from progress of its own sees it. All that is named is looked at before anything is written.
 *
 * @throws GroupRefusal; what the log throws when Redis is away
 */
export async function resetOffsets(
  { groups, catalog, store, operator }: ResetDeps,
  { groupId, partitions, dryRun, create, partitionsMax }: ResetRequest,
): Promise<ResetResult[]> {
  const described = await groups.operated(groupId).describe(groupId);
  const isThere = described.errorCode !== ErrorCode.GROUP_ID_NOT_FOUND;
  if (isThere || !create) check(described.errorCode, described.errorMessage);
  if (isThere && described.members.length > 0) {
    const { length } = described.members;
    const message = `the group has ${length} members; stop them, since their commits would follow`;
    throw new GroupRefusal('NON_EMPTY_GROUP', message);
  }
  const committed = new Map<string, number>();
  for (const { topic, partition, committedOffset } of await operator.offsets(groupId)) {
    committed.set(`${topic}/${partition}`, committedOffset);
  }
  const wanted = wantedOf(partitions, committed, catalog, partitionsMax);
  const topics = wanted.map((one) => knownTopic(catalog, one));
  const bounds = await boundsOf(store, wanted, topics);
  const results: ResetResult[] = [];
  const offsets: OffsetToCommit[] = [];
  for (const [at, one] of wanted.entries()) {
    const before = committed.get(`${one.topic}/${one.partition}`) ?? null;
    const topic = topics[at]!;
    const { offset, clamped } = await targetOf(store, topic, one, { before, bounds: bounds[at]! });
    const { partition } = one;
    results.push({ topic: topic.name, partition, before, after: offset, clamped });
    const place = { topicId: topic.id, topic: topic.name, partition };
    offsets.push({ ...place, offset, leaderEpoch: -1, metadata: null });
  }
  if (dryRun || offsets.length === 0) return results;
  const commit = { groupId, generationId: -1, memberId: '', groupInstanceId: null, offsets };
  const { errorCode } = await groups.operated(groupId).commitOffsets(commit);
  if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
    throw new GroupRefusal('NON_EMPTY_GROUP', 'a member joined meanwhile; nothing was changed');
  }
  check(errorCode);
  return results;
}

function wantedOf(
  asked: ResetRequest['partitions'],
  committed: ReadonlyMap<string, number>,
  catalog: TopicCatalog,
  partitionsMax: number,
): PartitionReset[] {
  const checkCount = (count: number): void => {
    if (count <= partitionsMax) return;
    const message = `${count} partitions, and at most ${partitionsMax} are reset at once`;
    throw new GroupRefusal('INVALID_REQUEST', message);
  };
  if (!('target' in asked)) {
    checkCount(asked.length);
    const seen = new Set<string>();
    for (const { topic, partition } of asked) {
      const key = `${topic}/${partition}`;
      if (seen.has(key)) throw new GroupRefusal('INVALID_REQUEST', `${key} is named twice`);
      seen.add(key);
    }
    return [...asked];
  }
  const { target, topics } = asked;
  if (topics === null) {
    checkCount(committed.size);
    return [...committed.keys()].map((key) => {
      const at = key.lastIndexOf('/');
      return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)), target };
    });
  }
  const named = [...new Set(topics)].map((topic) => knownTopic(catalog, { topic, partition: 0 }));
  checkCount(named.reduce((sum, { partitions }) => sum + partitions, 0));
  return named.flatMap(({ name: topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, target })),
  );
}

function knownTopic(
  catalog: TopicCatalog,
  { topic: name, partition }: { topic: string; partition: number },
): Topic {
  const topic = catalog.byName(name);
  if (topic !== undefined && partition < topic.partitions) return topic;
  const message = topic ? `${name} has no partition ${partition}` : `there is no topic ${name}`;
  throw new GroupRefusal('UNKNOWN_TOPIC_OR_PARTITION', message);
}

/** In the order of `wanted`, whose topics are `topics`. */
async function boundsOf(
  store: PartitionStore,
  wanted: readonly PartitionReset[],
  topics: readonly Topic[],
): Promise<PartitionBounds[]> {
  const all: PartitionBounds[] = [];
  for (let from = 0; from < wanted.length; from += boundsAtOnceMax) {
    const refs = wanted.slice(from, from + boundsAtOnceMax).map(({ topic, partition }, at) => {
      return { topic, topicId: topics[from + at]!.id, partition };
    });
    for (const [at, bounds] of (await store.boundsMany(refs)).entries()) {
      if (bounds !== null) all.push(bounds);
      else {
        const message = `${refs[at]!.topic} was deleted meanwhile`;
        throw new GroupRefusal('UNKNOWN_TOPIC_OR_PARTITION', message);
      }
    }
  }
  return all;
}

async function targetOf(
  store: PartitionStore,
  topic: Topic,
  { partition, target }: PartitionReset,
  { before, bounds }: { before: number | null; bounds: PartitionBounds },
): Promise<{ offset: number; clamped: boolean }> {
  const ref = { topic: topic.name, topicId: topic.id, partition };
  const { logStartOffset, highWatermark: end } = bounds;
  let offset: number;
  switch (target.to) {
    case 'start':
      offset = logStartOffset;
      break;
    case 'end':
      offset = end;
      break;
    case 'offset':
      offset = target.offset;
      break;
    case 'time':
      offset = (await firstAtOrAfter(store, ref, target.timestampMs)) ?? end;
      break;
    case 'shift':
      if (before === null) {
        const message = `nothing is committed for ${topic.name}/${partition} to shift from`;
        throw new GroupRefusal('INVALID_REQUEST', message);
      }
      offset = before + target.by;
  }
  const within = Math.min(Math.max(offset, logStartOffset), end);
  return { offset: within, clamped: within !== offset };
}

async function firstAtOrAfter(
  store: PartitionStore,
  ref: PartitionRef,
  timestampMs: number,
): Promise<number | undefined> {
  try {
    return (await store.firstAtOrAfter(ref, timestampMs))?.offset;
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    const place = `${ref.topic}/${ref.partition}`;
    const why = `a batch that the search by time came to cannot be read: ${error.message}`;
    throw new GroupRefusal('CORRUPT_MESSAGE', `${place}: ${why}`);
  }
}
