import { strict as assert } from 'node:assert';
import { batchSizeAt, stampBatch } from '@sluice/records';
import { attempt, type Redis, type RedisLink } from '@sluice/redis';
import type { PartitionKeys } from './keys';
import { LeaderEpochs } from './recovery/epochs';

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

/** A batch in memory that is lent: `release` is to be called once its bytes are no longer used. */
export interface LentBatch extends StoredBatch {
  release(): void;
}

/** What is to be read of a partition. */
interface Range {
  fromOffset: number;
  entries: number;
  /** Batches that lie wholly below it; by default all. */
  endOffset?: number;
  leaderEpochs?: LeaderEpochs;
}

type Row = [id: Buffer, fields: Buffer[]];

/** See `PartitionStore.read`. */
export async function readBatches(
  redis: Redis,
  keys: PartitionKeys,
  { leaderEpochs = LeaderEpochs.first, ...wanted }: Range,
): Promise<StoredBatch[]> {
  const { fromOffset } = wanted;
  const [range, start] = askForRange(redis, keys, wanted);
  const [rows, logStart] = await attempt('log.read', Promise.all([range, start]));
  if (!reaches(fromOffset, logStart)) return [];
  return rows.map(([id, fields]) => stampStored(id, fields[1]!, leaderEpochs));
}

/** See `PartitionStore.readLent`. */
export async function readLentBatches(
  { entries: redis, lent }: RedisLink,
  keys: PartitionKeys,
  { leaderEpochs = LeaderEpochs.first, ...wanted }: Range,
): Promise<LentBatch[]> {
  const { fromOffset } = wanted;
  const [range, start] = askForRange(redis, keys, wanted);
  // Claimed whatever becomes of the rest, or they would be kept for ever.
  const claimed = range.then((rows) =>
    rows.map(([id, fields]) => ({ id, ...lent.claim(fields[1]!) })),
  );
  try {
    const [rows, logStart] = await attempt('log.read', Promise.all([claimed, start]));
    if (reaches(fromOffset, logStart)) {
      return rows.map(({ id, bytes, release }) => {
        return { ...stampStored(id, bytes, leaderEpochs), release };
      });
    }
  } catch (error) {
    claimed.then(releaseAll, () => {});
    throw error;
  }
  releaseAll(await claimed);
  return [];
}

function askForRange(
  redis: Redis,
  { log, meta }: PartitionKeys,
  { fromOffset, entries, endOffset }: Range,
): [Promise<Row[]>, Promise<string | null>] {
  const last = endOffset === undefined ? '+' : endOffset - 1;
  const range = redis.xrangeBuffer(log, fromOffset, last, 'COUNT', entries) as Promise<Row[]>;
  // Asked after the entries: if they were trimmed meanwhile, this start is beyond `fromOffset`.
  return [range, redis.hget(meta, 'start')];
}

/** False when the partition is not there, or no longer reaches down to the offset. */
function reaches(fromOffset: number, logStart: string | null): boolean {
  return logStart !== null && fromOffset >= Number(logStart);
}

function releaseAll(all: { release(): void }[]): void {
  for (const one of all) one.release();
}

/** The batch of one stream entry, with its offsets taken from the entry's id. */
export function stampStored(id: Buffer, bytes: Buffer, leaderEpochs: LeaderEpochs): StoredBatch {
  const lastOffset = Number.parseInt(id.toString('latin1'), 10);
  return stampAt(lastOffset, bytes, leaderEpochs.at(lastOffset));
}

/** The batch whose last record has the given offset. */
export function stampAt(lastOffset: number, bytes: Buffer, leaderEpoch: number): StoredBatch {
  assert.equal(batchSizeAt(bytes, 0), bytes.length, `the batch that ends at ${lastOffset} is torn`);
  const baseOffset = lastOffset - bytes.readInt32BE(lastOffsetDeltaAt);
  stampBatch(bytes, 0, baseOffset, leaderEpoch);
  return { baseOffset, lastOffset, bytes };
}
