import { attempt, RedisReplyError, RedisUnavailable, type Redis } from '@sluice/redis';
import type { PartitionKeys } from './keys';
import { LeaderEpochs } from './recovery/epochs';
import { newerFormat } from './recovery/newer-format';

/** How far a partition reaches and how much is in it. */
export interface PartitionBounds {
  /** The first offset that may be read. */
  logStartOffset: number;
  /** The offset that the next record gets. */
  logEndOffset: number;
  /**
   * The first offset that readers may not be given: the log end, but where the topic asks for
   * copies or for the disk and the last records are not confirmed yet.
   */
  highWatermark: number;
  /** The first offset that readers of committed records may not be given. */
  lastStableOffset: number;
  /**
   * Bytes of the stored batches; counts a first batch that is partly below the log start in full.
   */
  bytes: number;
  batches: number;
  /** Bytes of the largest batch there ever was. */
  largestBatchBytes: number;
  /** The largest timestamp there ever was, also of deleted records; -1 before the first. */
  maxTimestampMs: number;
  leaderEpoch: number;
  leaderEpochs: LeaderEpochs;
}

/** The first seven are numbers. */
const fieldNames = 'start next bytes batches largest maxts epoch epochs format confirmed'.split(
  ' ',
);

/** See `PartitionStore.bounds`. */
export async function readBounds(
  redis: Redis,
  { meta }: PartitionKeys,
): Promise<PartitionBounds | null> {
  const values = await attempt('log.bounds', redis.hmget(meta, ...fieldNames));
  if (values[1] === null || values[1] === undefined) return null;
  const [epochs = null, format, confirmed = null] = values.slice(7);
  if (Number(format ?? 1) > 1) throw newerFormat(meta);
  return boundsOf(values.slice(0, 7).map(Number), epochs, confirmed);
}

/**
 * What the fields of a meta hash tell.
 *
 * @param numbers log start, log end, bytes, batches, largest batch, largest timestamp and epoch
 */
export function boundsOf(
  numbers: readonly number[],
  epochs: string | null,
  confirmed: string | null,
): PartitionBounds {
  const [start, next, bytes, batches, largest, maxTimestamp, epoch] = numbers;
  const highWatermark = highWatermarkOf(start!, next!, confirmed);
  return {
    logStartOffset: start!,
    logEndOffset: next!,
    highWatermark,
    lastStableOffset: highWatermark,
    bytes: bytes!,
    batches: batches!,
    largestBatchBytes: largest!,
    maxTimestampMs: maxTimestamp!,
    leaderEpoch: epoch!,
    leaderEpochs: LeaderEpochs.parse(epochs),
  };
}

/** How much is in a partition. */
export type PartitionSize = Pick<
  PartitionBounds,
  'logStartOffset' | 'logEndOffset' | 'highWatermark' | 'bytes'
>;

/** See `PartitionStore.sizes`. */
export async function readSize(
  redis: Redis,
  { meta }: PartitionKeys,
): Promise<PartitionSize | null> {
  const asked = redis.hmget(meta, 'start', 'next', 'bytes', 'format', 'confirmed');
  const [start, next, bytes, format, confirmed = null] = await attempt('log.size', asked);
  if (typeof next !== 'string' || Number(format ?? 1) > 1) return null;
  const [logStartOffset, logEndOffset] = [Number(start), Number(next)];
  const highWatermark = highWatermarkOf(logStartOffset, logEndOffset, confirmed);
  return { logStartOffset, logEndOffset, highWatermark, bytes: Number(bytes) };
}

/** @param confirmed the field of the meta hash; null: nobody asks, and all is for readers */
function highWatermarkOf(logStart: number, logEnd: number, confirmed: string | null): number {
  if (confirmed === null) return logEnd;
  return Math.max(logStart, Math.min(logEnd, Number(confirmed)));
}

/** See `PartitionStore.memoryBytes`. */
export async function readMemoryBytes(
  redis: Redis,
  { meta, log, producers }: PartitionKeys,
): Promise<number | null> {
  try {
    const asked = [meta, log, producers].map((key) => redis.memory('USAGE', key));
    const bytes = await attempt('log.memory', Promise.all(asked));
    return bytes[0] === null ? null : bytes.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  } catch (error) {
    const isForbidden = error instanceof RedisUnavailable && error.reason === 'denied';
    if (isForbidden || error instanceof RedisReplyError) return null;
    throw error;
  }
}
