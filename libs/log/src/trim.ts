import { attempt, type Redis } from '@sluice/redis';
import type { PartitionKeys } from './keys';
import { partitionLimits } from './partition-limits';
import { newerFormat } from './recovery/newer-format';
import { deleteRecordsScript, evictProducersScript, trimScript } from './scripts';

/** How long and how much a partition keeps. */
export interface TrimRule {
  /** Batches without a younger record go; -1: for ever. */
  retentionMs: number;
  /** Batches go without which at least so many bytes are left; -1: no limit. */
  retentionBytes: number;
  /**
   * The caller's time. What is old by it and by Redis' clock goes, so that one clock which jumps
   * ahead takes nothing away.
   */
  nowMs: number;
}

/** What one step has dropped at the head of a partition. */
export interface TrimReply {
  /** The log start afterwards. */
  logStartOffset: number;
  /** By how much the log start has moved. */
  offsets: number;
  batches: number;
  bytes: number;
  /** Nothing more is to be dropped now. */
  isDone: boolean;
}

export type DeleteRecordsReply =
  { logStartOffset: number } | { refused: 'out-of-range' | 'unknown-partition' };

/** What lies below the log start, and no more. */
const below: TrimRule = { retentionMs: -1, retentionBytes: -1, nowMs: 0 };

/** See `PartitionStore.deleteRecords`. */
export async function deleteRecords(
  redis: Redis,
  keys: PartitionKeys,
  beforeOffset: number,
): Promise<DeleteRecordsReply> {
  const args = { beforeOffset, wake: keys.wake };
  const reply = await deleteRecordsScript.call(redis, keys, args);
  if (reply.tag === 'newer-format') throw newerFormat(keys.meta);
  if (reply.tag !== 'start') return { refused: reply.tag };
  let batches = 0;
  for (;;) {
    const step = await trimStep(redis, keys, below);
    if (step === null || step === 'missing') break;
    batches += step.batches;
    if (step.isDone) break;
  }
  if (batches > 0) await evictProducers(redis, keys, -1);
  return { logStartOffset: reply.logStart };
}

/** See `PartitionStore.trimStep`. */
export async function trimStep(
  redis: Redis,
  keys: PartitionKeys,
  rule: TrimRule,
): Promise<TrimReply | 'missing' | null> {
  const { trimSpanBytesMax, trimSpanBatchesMax, trimReadBytesMax, trimReadBatchesMax } =
    partitionLimits;
  const reply = await trimScript.call(redis, keys, {
    ...rule,
    spanBytesMax: trimSpanBytesMax,
    spanBatchesMax: trimSpanBatchesMax,
    readBytesMax: trimReadBytesMax,
    readBatchesMax: trimReadBatchesMax,
    wake: keys.wake,
  });
  if (reply.tag === 'unknown-partition') return null;
  if (reply.tag === 'newer-format') throw newerFormat(keys.meta);
  if (reply.tag === 'missing') return 'missing';
  const { tag, logStart: logStartOffset, offsets, batches, bytes } = reply;
  return { logStartOffset, offsets, batches, bytes, isDone: tag === 'done' };
}

/** See `PartitionStore.mayBeTrimmed`. */
export async function mayBeTrimmed(
  redis: Redis,
  { meta }: PartitionKeys,
  { retentionMs, retentionBytes, nowMs }: TrimRule,
): Promise<boolean> {
  const fields = ['start', 'bytes', 'batches', 'kept', 'format'] as const;
  const values = await attempt('log.mayBeTrimmed', redis.hmget(meta, ...fields));
  const [start, bytes, batches, kept, format] = values;
  if (start === null || batches === '0') return false;
  if (Number(format ?? 1) > 1) return true;
  // Without limits only what is below the start goes, which is nothing while that is the first.
  if (!kept) return retentionMs >= 0 || retentionBytes >= 0 || start !== '0';
  // Whoever trimmed last has left word of the batch at which it stopped.
  const [lastOffset, timestampMs, size] = kept.split(' ').map(Number);
  if (lastOffset! < Number(start)) return true;
  const isOld = retentionMs >= 0 && timestampMs! < nowMs - retentionMs;
  const isTooMuch = retentionBytes >= 0 && Number(bytes) - size! >= retentionBytes;
  return isOld || isTooMuch;
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
    if (reply.tag === 'newer-format') throw newerFormat(keys.producers);
    cursor = reply.cursor;
    evicted += reply.evicted;
  } while (cursor !== '0');
  return evicted;
}
