import type { Direction } from './page-cursor';
import type { PartitionPage } from './partition-page';
import type { RecordFilter } from './record-filter';
import type { ToldRecord } from './told-record';

/** What one partition has for a page. */
export interface SourcePage {
  index: number;
  page: PartitionPage;
}

/** How pages of partitions become one. */
export interface Merging {
  direction: Direction;
  recordsMax: number;
  filter: RecordFilter | null;
}

/** One page, and where each partition goes on. */
export interface MergedPage {
  records: ToldRecord[];
  /** By partition. */
  next: Map<number, number>;
  /** No partition has anything more. */
  atEnd: boolean;
}

/**
 * Merges what several partitions have by time, each in its own order. Where a partition has given
 * all that it was read for and may have more, the merging ends, since that might come next; but
 * with a filter it does not, or what was found in one partition would wait for the others.
 */
export function mergePages(sources: readonly SourcePage[], merging: Merging): MergedPage {
  const { direction, recordsMax, filter } = merging;
  const records: ToldRecord[] = [];
  const taken = sources.map(() => 0);
  const sign = direction === 'forward' ? 1 : -1;
  while (records.length < recordsMax) {
    let best = -1;
    let isOpen = false;
    for (const [at, { page }] of sources.entries()) {
      const head = page.records[taken[at]!];
      if (head === undefined) {
        // One of which nothing was read yet, for want of time, keeps nobody waiting.
        isOpen ||= !page.atEnd && page.records.length > 0;
        continue;
      }
      const bestHead = best < 0 ? undefined : sources[best]!.page.records[taken[best]!];
      if (!bestHead || sign * (head.timestampMs - bestHead.timestampMs) < 0) best = at;
    }
    if (best < 0 || (isOpen && filter === null && sources.length > 1)) break;
    records.push(sources[best]!.page.records[taken[best]!++]!);
  }
  const next = new Map<number, number>();
  let atEnd = true;
  for (const [at, { index, page }] of sources.entries()) {
    const left = page.records[taken[at]!];
    atEnd &&= left === undefined && page.atEnd;
    if (left === undefined) next.set(index, page.next);
    else next.set(index, direction === 'forward' ? left.offset : left.offset + 1);
  }
  return { records, next, atEnd };
}
