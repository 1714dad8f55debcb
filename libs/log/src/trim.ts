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
  const reply = await deleteRecordsScript.run(redis, [keys.meta], [beforeOffset]);
  const [tag, logStartOffset] = reply as [string, number];
  if (tag === 'out-of-range' || tag === 'unknown-partition') return { refused: tag };
  await trim(redis, keys, { rule: 'below' });
  return { logStartOffset };
}

/** See `PartitionStore.trimToTime` and `trimToSize`. */
export async function trim(
  redis: Redis,
  keys: PartitionKeys,
  rule: TrimRule,
): Promise<TrimReply | null> {
  const { trimEntriesMax, trimBytesMax } = partitionLimits;
  const bound = rule.rule === 'below' ? 0 : rule.bound;
  const total: TrimReply = { logStartOffset: 0, batches: 0, bytes: 0 };
  for (;;) {
    const reply = await trimScript.run(
      redis,
      [keys.meta, keys.log],
      [rule.rule, bound, trimEntriesMax, trimBytesMax],
    );
    const [tag, logStartOffset, batches, bytes] = reply as [string, number, number, number];
    if (tag === 'unknown-partition') return null;
    total.logStartOffset = logStartOffset;
    total.batches += batches;
    total.bytes += bytes;
    if (tag === 'done') break;
  }
  if (total.batches > 0) await evictProducers(redis, keys, -1);
  return total;
}

/** See `PartitionStore.expireProducers`; `unusedMs` -1: only those below the log start. */
export async function evictProducers(
  redis: Redis,
  { meta, producers }: PartitionKeys,
  unusedMs: number,
): Promise<number> {
  const { evictProducersMax, producerBelowStartUnusedMs } = partitionLimits;
  let cursor = '0';
  let evicted = 0;
  do {
    const reply = await evictProducersScript.run(
      redis,
      [meta, producers],
      [cursor, evictProducersMax, unusedMs, producerBelowStartUnusedMs],
    );
    const [next, count] = reply as [string, number];
    cursor = next;
    evicted += count;
  } while (cursor !== '0');
  return evicted;
}
