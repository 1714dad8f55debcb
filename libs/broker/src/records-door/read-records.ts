import {
  batchSizeAt,
  isControl,
  readBatchHeader,
  RecordsError,
  visitRecords,
  type RecordData,
} from '@sluice/records';
import type { Partition } from '../partitions/partition';

/** A stretch of a partition that cannot be read, and why. */
export interface UnreadableRange {
  fromOffset: number;
  toOffset: number;
  reason: string;
}

/** What one read has found beside the records that were visited. */
export type RecordsRead =
  | { refused: 'unknown-partition' | 'out-of-range' }
  | {
      /** Where to read on. */
      nextOffset: number;
      /** Nothing follows now. */
      atEnd: boolean;
      logStartOffset: number;
      /** Of all batches that were opened. */
      bytes: number;
      unreadable: UnreadableRange[];
    };

/**
 * Reads batches from the one that holds `offset` on, up to `bytesMax` but at least one, and shows
 * each of their records from that offset on. What is shown lies in memory that is written again:
 * whatever is kept has to be copied. Ends behind the record for which `visit` returns false.
 * Control batches are passed over, and batches that cannot be decoded are named.
 *
 * @throws RedisUnavailable | UnknownOutcome when Redis is needed and away
 */
export async function readRecords(
  partition: Partition,
  offset: number,
  bytesMax: number,
  visit: (record: RecordData) => boolean,
): Promise<RecordsRead> {
  const outcome = await partition.read(offset, bytesMax);
  if ('refused' in outcome) return outcome;
  const { run, logStartOffset, highWatermark } = outcome;
  const read = { nextOffset: offset, atEnd: true, logStartOffset, bytes: 0 };
  const unreadable: UnreadableRange[] = [];
  if (run === null) return { ...read, unreadable };
  try {
    for (const batch of batchesOf(run.chunks)) {
      read.bytes += batch.length;
      const goesOn = visitBatch(batch, Math.max(offset, logStartOffset), visit, read, unreadable);
      if (!goesOn) break;
    }
  } finally {
    run.release?.();
  }
  return { ...read, atEnd: read.nextOffset >= highWatermark, unreadable };
}

/** @returns false where `visit` wants no more */
function visitBatch(
  batch: Buffer,
  fromOffset: number,
  visit: (record: RecordData) => boolean,
  read: { nextOffset: number },
  unreadable: UnreadableRange[],
): boolean {
  const { attributes, baseOffset, lastOffsetDelta } = readBatchHeader(batch);
  const endOffset = baseOffset + lastOffsetDelta + 1;
  let goesOn = true;
  try {
    if (!isControl(attributes)) {
      visitRecords(batch, (record) => {
        if (record.offset < fromOffset) return true;
        read.nextOffset = record.offset + 1;
        goesOn = visit(record);
        return goesOn;
      });
    }
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    const from = Math.max(read.nextOffset, baseOffset, fromOffset);
    unreadable.push({ fromOffset: from, toOffset: endOffset - 1, reason: error.message });
  }
  if (goesOn) read.nextOffset = Math.max(read.nextOffset, endOffset);
  return goesOn;
}

function* batchesOf(chunks: readonly Buffer[]): Iterable<Buffer> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const bytes = batchSizeAt(chunk, at);
      yield chunk.subarray(at, at + bytes);
      at += bytes;
    }
  }
}
