import { attempt, type Redis } from '@sluice/redis';
import type { PartitionKeys } from './keys';
import { LeaderEpochs } from './recovery/epochs';
import { newerFormat } from './recovery/newer-format';

/** How far a partition reaches and how much is in it. */
export interface PartitionBounds {
  /** The first offset that may be read. */
  logStartOffset: number;
  /** The offset that the next record gets. */
  logEndOffset: number;
  /** The first offset that readers of committed records may not be given: the log end, so far. */
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
const fieldNames = 'start next bytes batches largest maxts epoch epochs format'.split(' ');

/** See `PartitionStore.bounds`. */
export async function readBounds(
  redis: Redis,
  { meta }: PartitionKeys,
): Promise<PartitionBounds | null> {
  const values = await attempt('log.bounds', redis.hmget(meta, ...fieldNames));
  if (values[1] === null || values[1] === undefined) return null;
  const [epochs = null, format] = values.slice(7);
  if (Number(format ?? 1) > 1) throw newerFormat(meta);
  const [start, next, bytes, batches, largest, maxTimestamp, epoch] = values
    .slice(0, 7)
    .map(Number);
  return {
    logStartOffset: start!,
    logEndOffset: next!,
    lastStableOffset: next!,
    bytes: bytes!,
    batches: batches!,
    largestBatchBytes: largest!,
    maxTimestampMs: maxTimestamp!,
    leaderEpoch: epoch!,
    leaderEpochs: LeaderEpochs.parse(epochs),
  };
}

/** See `PartitionStore.sizes`. */
export async function readSize(redis: Redis, { meta }: PartitionKeys): Promise<number | null> {
  const [bytes, format] = await attempt('log.size', redis.hmget(meta, 'bytes', 'format'));
  if (bytes === null || bytes === undefined || Number(format ?? 1) > 1) return null;
  return Number(bytes);
}
