import { partitionKeys, replyKey } from '@sluice/log';
import { jobsPrefix, queueName } from '../queue/bullmq';

/** What a key is, by its name. */
export type KeyKind =
  | { kind: 'partition'; topicId: string; partition: number }
  | { kind: 'group'; groupId: string; part: 'state' | 'offsets' }
  | { kind: 'registry' }
  | { kind: 'idempotency' }
  | { kind: 'replies' }
  | { kind: 'queue' }
  | { kind: 'job'; jobId: string }
  | { kind: 'stream-queue'; queue: string }
  | { kind: 'unknown' };

const partitionPattern = /^\{[\w.-]+\/([\w-]{22})\/(\d{1,7})\}:([\w-]+)$/;
const { wake: _channel, ...ownKeys } = partitionKeys('', { topic: '', topicId: '', partition: 0 });
/** What stands behind the names of partitions' keys: `log`, `meta` and so on. */
const partitionParts = Object.values(ownKeys).map((key) => key.slice(key.lastIndexOf(':') + 1));
const [beforeReply, behindReply] = replyKey('', ' ').split(' ');
const groupPattern = /^\{group\/(.*)\}:(state|offsets)$/s;

/** All keys of the registry; docs/architecture.md tells what each is. */
export const registryParts: readonly string[] = [
  'topics',
  'deleted',
  'version',
  'producer-ids',
  'cluster-id',
  'format',
  'writers',
  'emptied',
  'aof',
  'groups',
  'groups-removed-topics',
  'brokers',
  'broker-sessions',
  'controller',
  'leaders',
];

/** Keys that BullMQ keeps for a queue as a whole. */
const queueParts = new Set(
  (
    'active wait waiting-children paused id delayed prioritized completed failed ' +
    'stalled stalled-check repeat limiter meta events pc marker'
  ).split(' '),
);

/** Of a job: its id, and what may stand behind it. */
const jobPattern = /^((?:repeat:[^:]+:)?\d+)(?::(?:lock|logs|dependencies|processed|failed))?$/;
/** Of a queue that topics feed; see libs/jobs/src/keys.ts. */
const streamQueuePattern = /^\{jobs\/([\w.-]{1,100})\}:(.+)$/s;
const fedPattern = /^fed:([\w-]{22})\/(\d{1,7})$/;
/** Of such a queue: one of BullMQ's lists and hashes, or a job named by its record. */
const streamJobPattern = /^[\w-]{22}\.\d{1,7}\.\d{1,16}(?::(?:lock|logs))?$/;
/** A schedule, or what keeps a job from being added twice. */
const namedPattern = /^(?:repeat:[^:]+|de:.+)$/s;

/** What a key is that begins with `keyPrefix`. */
export function kindOfKey(key: string, keyPrefix: string): KeyKind {
  const rest = key.slice(keyPrefix.length);
  const [, topicId, partition, name] = partitionPattern.exec(rest) ?? [];
  if (topicId !== undefined && partitionParts.includes(name!)) {
    return { kind: 'partition', topicId, partition: Number(partition) };
  }
  const [, groupId, part] = groupPattern.exec(rest) ?? [];
  if (groupId !== undefined) return { kind: 'group', groupId, part: part as 'state' | 'offsets' };
  if (isOf(rest, '{registry}:', registryParts)) return { kind: 'registry' };
  if (isOf(rest, '{idempotency}:', ['requests', 'times'])) return { kind: 'idempotency' };
  if (rest.startsWith(beforeReply!) && rest.endsWith(behindReply!)) return { kind: 'replies' };
  return kindOfStreamQueueKey(rest) ?? kindOfJobKey(key, jobsPrefix(keyPrefix));
}

/** A note up to where a partition was fed is the partition's, and goes with it. */
function kindOfStreamQueueKey(rest: string): KeyKind | null {
  const [, queue, name = ''] = streamQueuePattern.exec(rest) ?? [];
  if (queue === undefined) return null;
  const [, topicId, partition] = fedPattern.exec(name) ?? [];
  if (topicId !== undefined) return { kind: 'partition', topicId, partition: Number(partition) };
  const own = name.startsWith(`${queue}:`) ? name.slice(queue.length + 1) : '';
  const isKnown = name === 'taken' || queueParts.has(own) || streamJobPattern.test(own);
  return isKnown ? { kind: 'stream-queue', queue } : { kind: 'unknown' };
}

function kindOfJobKey(key: string, prefix: string): KeyKind {
  if (isOf(key, `${prefix}:`, ['workers', 'last-runs'])) return { kind: 'queue' };
  const own = `${prefix}:${queueName}:`;
  if (!key.startsWith(own)) return { kind: 'unknown' };
  const rest = key.slice(own.length);
  const jobId = jobPattern.exec(rest)?.[1];
  if (jobId !== undefined) return { kind: 'job', jobId };
  return { kind: queueParts.has(rest) || namedPattern.test(rest) ? 'queue' : 'unknown' };
}

function isOf(name: string, prefix: string, parts: readonly string[]): boolean {
  return name.startsWith(prefix) && parts.includes(name.slice(prefix.length));
}
