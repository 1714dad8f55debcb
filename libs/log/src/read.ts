import { strict as assert } from 'node:assert';
import { batchSizeAt, stampBatch } from '@sluice/records';
import { attempt, type Redis } from '@sluice/redis';
import type { PartitionKeys } from './keys';

/** A batch as it goes to a consumer. */
export interface StoredBatch {
  baseOffset: number;
  lastOffset: number;
  /**
   * The batch with its offset and leader epoch in it. The bytes are the caller's to keep and to
   * change; small batches of one read may share one block of memory.
   */
  bytes: Buffer;
}

/** Where the header says how many offsets the batch takes, counted from its base offset. */
const lastOffsetDeltaAt = 23;

/** See `PartitionStore.read`. */
export async function readBatches(
  redis: Redis,
  { log, meta }: PartitionKeys,
  fromOffset: number,
  { entries, leaderEpoch = 0 }: { entries: number; leaderEpoch?: number },
): Promise<StoredBatch[]> {
  const range = redis.xrangeBuffer(log, fromOffset, '+', 'COUNT', entries);
  // Asked after the entries: if they were trimmed meanwhile, this start is beyond `fromOffset`.
  const start = redis.hget(meta, 'start');
  const [rows, logStart] = await attempt('log.read', Promise.all([range, start]));
  if (logStart === null || fromOffset < Number(logStart)) return [];
  return rows.map(([id, fields]) => stampStored(id, fields[1]!, leaderEpoch));
}

/** The batch of one stream entry, with its offsets taken from the entry's id. */
export function stampStored(id: Buffer, bytes: Buffer, leaderEpoch: number): StoredBatch {
  const lastOffset = Number.parseInt(id.toString('latin1'), 10);
  return stampAt(lastOffset, bytes, leaderEpoch);
}

/** The batch whose last record has the given offset. */
export function stampAt(lastOffset: number, bytes: Buffer, leaderEpoch: number): StoredBatch {
  assert.equal(batchSizeAt(bytes, 0), bytes.length, `the batch that ends at ${lastOffset} is torn`);
  const baseOffset = lastOffset - bytes.readInt32BE(lastOffsetDeltaAt);
  stampBatch(bytes, 0, baseOffset, leaderEpoch);
  return { baseOffset, lastOffset, bytes };
}
