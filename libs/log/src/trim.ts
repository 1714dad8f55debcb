import type { Redis } from '@sluice/redis';
import type { PartitionKeys } from './keys';
import { partitionLimits } from './partition-limits';
import { deleteRecordsScript, evictProducersScript, trimScript } from './scripts';

/** What was dropped at the head of a partition. */
export interface TrimReply {
  /** The log start afterwards. */
  logStartOffset: number;
  batches: number;
  bytes: number;
}

export type DeleteRecordsReply =
  { logStartOffset: number } | { refused: 'out-of-range' | 'unknown-partition' };

/** What may be dropped beyond what lies below the log start; see the header of log/trim. */
export type TrimRule =
  { rule: 'below' } | { rule: 'time'; bound: number } | { rule: 'size'; bound: number };

/** See `PartitionStore.deleteRecords`. */
export async function deleteRecords(
  redis: Redis,
  keys: PartitionKeys,
  beforeOffset: number,
): Promise<DeleteRecordsReply> {
  const args = { beforeOffset, wake: keys.wake };
  const reply = await deleteRecordsScript.call(redis, keys, args);
  if (reply.tag !== 'start') return { refused: reply.tag };
  await trim(redis, keys, { rule: 'below' });
  return { logStartOffset: reply.logStart };
}

/** See `PartitionStore.trimToTime` and `trimToSize`. */
export async function trim(
  redis: Redis,
  keys: PartitionKeys,
  rule: TrimRule,
): Promise<TrimReply | null> {
  const { trimEntriesMax: entriesMax, trimBytesMax: bytesMax } = partitionLimits;
  const bound = rule.rule === 'below' ? 0 : rule.bound;
  const args = { rule: rule.rule, bound, entriesMax, bytesMax, wake: keys.wake };
  const total: TrimReply = { logStartOffset: 0, batches: 0, bytes: 0 };
  for (;;) {
    const reply = await trimScript.call(redis, keys, args);
    if (reply.tag === 'unknown-partition') return null;
    total.logStartOffset = reply.logStart;
    total.batches += reply.batches;
    total.bytes += reply.bytes;
    if (reply.tag === 'done') break;
  }
  if (total.batches > 0) await evictProducers(redis, keys, -1);
  return total;
}

/** See `PartitionStore.expireProducers`; `unusedMs` -1: only those below the log start. */
export async function evictProducers(
  redis: Redis,
  keys: PartitionKeys,
  unusedMs: number,
): Promise<number> {
  const { evictProducersMax: count, producerBelowStartUnusedMs: belowStartUnusedMs } =
    partitionLimits;
  let cursor = '0';
  let evicted = 0;
  do {
    const args = { cursor, count, unusedMs, belowStartUnusedMs };
    const reply = await evictProducersScript.call(redis, keys, args);
    cursor = reply.cursor;
    evicted += reply.evicted;
  } while (cursor !== '0');
  return evicted;
}
