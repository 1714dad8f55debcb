import {
  decodeBatch,
  firstRecordAtOrAfter,
  maxTimestampRecord,
  type RecordPosition,
} from '@sluice/records';
import type { Redis } from '@sluice/redis';
import { readBounds } from './bounds';
import type { PartitionKeys } from './keys';
import { partitionLimits } from './partition-limits';
import { readBatches, stampAt, type StoredBatch } from './read';
import { largestTimestampScript, seekScript } from './scripts';

/** A record found by time. */
export interface OffsetAndTimestamp {
  offset: number;
  timestampMs: number;
}

const decodeOptions = { decompressedBytesMax: partitionLimits.decompressedBytesMax };

/** See `PartitionStore.firstAtOrAfter`. */
export async function findAtOrAfter(
  redis: Redis,
  keys: PartitionKeys,
  timestampMs: number,
): Promise<OffsetAndTimestamp | null> {
  let fromOffset = -1;
  for (;;) {
    const found = await seek(redis, keys, timestampMs, fromOffset);
    if (found === null) return null;
    const record = firstIn(found.batch, found.logStartOffset, timestampMs);
    if (record !== null) return record;
    // What made the batch a candidate was deleted, or its header promised too much.
    fromOffset = found.batch.lastOffset + 1;
  }
}

/** See `PartitionStore.maxTimestamp`. */
export async function findMaxTimestamp(
  redis: Redis,
  keys: PartitionKeys,
): Promise<OffsetAndTimestamp | null> {
  const bounds = await readBounds(redis, keys);
  if (bounds === null || bounds.logStartOffset === bounds.logEndOffset) return null;
  const found = await seek(redis, keys, bounds.maxTimestampMs, -1);
  if (found !== null) {
    const record = firstIn(found.batch, found.logStartOffset, bounds.maxTimestampMs);
    if (record !== null) return record;
  }
  return searchMaxTimestamp(redis, keys, bounds.logStartOffset);
}

async function seek(
  redis: Redis,
  keys: PartitionKeys,
  timestampMs: number,
  fromOffset: number,
): Promise<{ batch: StoredBatch; logStartOffset: number } | null> {
  let from = fromOffset;
  for (;;) {
    const args = { timestampMs, fromOffset: from, entriesMax: partitionLimits.seekEntriesMax };
    const reply = await seekScript.call(redis, keys, args);
    if (reply.tag === 'found') {
      const { logStart: logStartOffset, lastOffset, batch } = reply;
      return { batch: stampAt(lastOffset, batch, 0), logStartOffset };
    }
    if (reply.tag !== 'more') return null;
    from = reply.nextOffset;
  }
}

/**
 * The slow way, for when the record with the largest timestamp was deleted: looks at every header.
 */
async function searchMaxTimestamp(
  redis: Redis,
  keys: PartitionKeys,
  logStartOffset: number,
): Promise<OffsetAndTimestamp | null> {
  const [head] = await readBatches(redis, keys, oneFrom(logStartOffset));
  if (head === undefined) return null;
  // Only the first batch can have records below the log start, which do not count.
  const inHead = largestIn(head, logStartOffset);
  const tail = await largestHeader(redis, keys, head.lastOffset + 1);
  if (tail === null || (inHead !== null && inHead.timestampMs >= tail.timestampMs)) return inHead;
  const [batch] = await readBatches(redis, keys, oneFrom(tail.lastOffset));
  return batch === undefined ? inHead : maxTimestampRecord(batch.bytes, decodeOptions);
}

function oneFrom(fromOffset: number) {
  return { fromOffset, entries: 1 };
}

/** The first batch from `fromOffset` on whose header has the largest timestamp. */
async function largestHeader(
  redis: Redis,
  keys: PartitionKeys,
  fromOffset: number,
): Promise<{ timestampMs: number; lastOffset: number } | null> {
  let best: { timestampMs: number; lastOffset: number } | null = null;
  let from = fromOffset;
  for (;;) {
    const args = { fromOffset: from, entriesMax: partitionLimits.seekEntriesMax };
    const reply = await largestTimestampScript.call(redis, keys, args);
    const { tag, nextOffset, timestampMs, lastOffset } = reply;
    const found = lastOffset >= 0;
    if (found && (best === null || timestampMs > best.timestampMs))
      best = { timestampMs, lastOffset };
    if (tag === 'done') return best;
    from = nextOffset;
  }
}

function firstIn(
  batch: StoredBatch,
  logStartOffset: number,
  timestampMs: number,
): RecordPosition | null {
  if (batch.baseOffset >= logStartOffset) {
    return firstRecordAtOrAfter(batch.bytes, timestampMs, decodeOptions);
  }
  const records = decodeBatch(batch.bytes, decodeOptions);
  const record = records.find(
    (one) => one.offset >= logStartOffset && one.timestampMs >= timestampMs,
  );
  return record === undefined ? null : positionOf(record);
}

function largestIn(batch: StoredBatch, logStartOffset: number): RecordPosition | null {
  let largest: RecordPosition | null = null;
  for (const record of decodeBatch(batch.bytes, decodeOptions)) {
    if (record.offset < logStartOffset) continue;
    if (largest === null || record.timestampMs > largest.timestampMs) largest = positionOf(record);
  }
  return largest;
}

function positionOf({ offset, timestampMs }: RecordPosition): RecordPosition {
  return { offset, timestampMs };
}
