import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordData } from '@sluice/records';
import { limits } from '../limits';
import type { Partition } from '../partitions/partition';
import { LastRecords } from './last-records';
import { readRecords, type UnreadableRange } from './read-records';
import type { RecordFilter } from './record-filter';
import type { ScanBudget } from './scan-budget';
import { tellRecord, toldSize, type Telling, type ToldRecord } from './told-record';

/** What one partition has for a page. */
export interface PartitionPage {
  /** In the page's direction. */
  records: ToldRecord[];
  /** Where to look on, in the sense of `PageStart`. */
  next: number;
  /** There is nothing to look at any more, in the page's direction. */
  atEnd: boolean;
  unreadable: UnreadableRange[];
}

/** What is wanted of each partition of a page. */
export interface Wanted {
  recordsMax: number;
  /** Bytes of what is told, but for a first record that has more. */
  replyBytesMax: number;
  filter: RecordFilter | null;
  telling: Telling;
  budget: ScanBudget;
}

/** A partition that a page reads. */
export interface Source {
  partition: Partition;
  index: number;
}

/** Null where the partition is gone. @throws RedisUnavailable | UnknownOutcome */
export async function pageForward(
  source: Source,
  start: number,
  wanted: Wanted,
): Promise<PartitionPage | null> {
  const { budget, filter } = wanted;
  const page: PartitionPage = { records: [], next: start, atEnd: false, unreadable: [] };
  let replyBytes = 0;
  let readBytes: number = limits.browseReadBytesMin;
  let isFull = false;
  const visit = (record: RecordData): boolean => {
    if (record.offset < start) return true;
    if (filter === null || filter(record)) {
      replyBytes += toldSize(record, wanted.telling);
      // It stays where it is, for the next page.
      isFull = replyBytes > wanted.replyBytesMax && page.records.length > 0;
      if (isFull) return false;
      page.records.push(tellRecord(source.index, record, wanted.telling));
    }
    budget.countRecord();
    page.next = record.offset + 1;
    isFull = page.records.length >= wanted.recordsMax;
    return !isFull && budget.spent === null;
  };
  while (!page.atEnd && budget.spent === null) {
    const read = await readRecords(source.partition, page.next, readBytes, visit);
    if ('refused' in read) {
      if (read.refused === 'unknown-partition') return null;
      page.next = await nearest(source.partition, page.next);
      continue;
    }
    budget.countBytes(read.bytes);
    page.unreadable.push(...read.unreadable);
    if (isFull) break;
    page.next = Math.max(page.next, read.nextOffset);
    page.atEnd = read.atEnd;
    readBytes = Math.min(readBytes * 2, limits.browseReadBytesMax);
    // What is hot comes without a turn of the event loop, and others are to have theirs.
    await nextTurn();
  }
  return page;
}

/** As `pageForward`, from the offset below `end` down. */
export async function pageBackward(
  source: Source,
  end: number,
  wanted: Wanted,
): Promise<PartitionPage | null> {
  const page: PartitionPage = { records: [], next: end, atEnd: false, unreadable: [] };
  let replyBytes = 0;
  const bounds = await source.partition.refreshBounds();
  if (bounds === null) return null;
  page.next = Math.min(end, bounds.highWatermark);
  const offsets = Math.max(1, bounds.logEndOffset - bounds.logStartOffset);
  const recordBytes = Math.max(1, bounds.bytes / offsets);
  const windowMax = Math.min(
    limits.browseScanRecordsMax,
    Math.max(1, Math.floor(limits.browseReadBytesMax / recordBytes)),
  );
  let window = Math.min(wanted.recordsMax, windowMax);
  while (page.next > bounds.logStartOffset && wanted.budget.spent === null) {
    const from = Math.max(bounds.logStartOffset, page.next - window);
    const found = await readWindow(source, from, page.next, wanted);
    if (found === 'gone') return null;
    // The gateway stops, or nobody waits any more: the cursor goes on here.
    if (found === 'cut') break;
    if (found === 'too-large') {
      window = Math.max(1, Math.floor(window / 4));
      continue;
    }
    page.unreadable.push(...found.unreadable);
    for (const { record, bytes } of found.records.toReversed()) {
      replyBytes += bytes;
      const isFull = replyBytes > wanted.replyBytesMax && page.records.length > 0;
      if (isFull || page.records.length >= wanted.recordsMax) return page;
      page.next = record.offset;
      page.records.push(record);
    }
    page.next = found.from;
    if (page.records.length >= wanted.recordsMax) break;
    window = Math.min(windowMax, window * 4);
    await nextTurn();
  }
  page.atEnd = page.next <= bounds.logStartOffset;
  return page;
}

interface Window {
  /** Rising offsets. */
  records: readonly { record: ToldRecord; bytes: number }[];
  /** All from here on was looked at. */
  from: number;
  unreadable: UnreadableRange[];
}

/**
 * The wanted records of a stretch. Of more than a page takes, the first are left out; a stretch of
 * several records that takes too many bytes to be read is none. 'cut': it was not read to its end,
 * for the gateway stops or nobody waits any more.
 */
async function readWindow(
  { partition, index }: Source,
  start: number,
  end: number,
  wanted: Wanted,
): Promise<Window | 'gone' | 'cut' | 'too-large'> {
  const { budget, filter, telling } = wanted;
  const kept = new LastRecords(wanted);
  const unreadable: UnreadableRange[] = [];
  const bytesMax = 4 * limits.browseReadBytesMax;
  let from = start;
  let readBytes = 0;
  const visit = (record: RecordData): boolean => {
    if (record.offset >= end) return false;
    budget.countRecord();
    if (filter !== null && !filter(record)) return true;
    kept.add(tellRecord(index, record, telling), toldSize(record, telling));
    return true;
  };
  for (let at = start; at < end;) {
    const read = await readRecords(partition, at, limits.browseReadBytesMax, visit);
    if ('refused' in read) {
      if (read.refused === 'unknown-partition') return 'gone';
      const reachable = await nearest(partition, at);
      if (reachable <= at) break;
      from = at = reachable;
      continue;
    }
    unreadable.push(...read.unreadable.filter(({ fromOffset }) => fromOffset < end));
    budget.countBytes(read.bytes);
    readBytes += read.bytes;
    if (read.atEnd || read.nextOffset >= end) break;
    if (readBytes > bytesMax && end - start > 1) return 'too-large';
    at = read.nextOffset;
    if (budget.spent === 'gone') return 'cut';
    await nextTurn();
  }
  return { records: kept.records, from: kept.from ?? from, unreadable };
}

/** The offset of the log that is nearest to one that is outside of it. */
async function nearest(partition: Partition, offset: number): Promise<number> {
  const bounds = await partition.refreshBounds();
  if (bounds === null) return offset;
  return Math.min(Math.max(offset, bounds.logStartOffset), bounds.logEndOffset);
}
