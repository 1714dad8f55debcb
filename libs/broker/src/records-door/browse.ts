import type { Topic } from '@sluice/log';
import { RecordsError } from '@sluice/records';
import { limits } from '../limits';
import type { Partition } from '../partitions/partition';
import { inTurns } from '../requests/in-turns';
import { DoorRefusal, invalid } from './door-refusal';
import type { DoorServices } from './door-services';
import { mergePages, type SourcePage } from './merge-pages';
import { decodeCursor, encodeCursor, type Direction, type PageStart } from './page-cursor';
import { pageBackward, pageForward, type PartitionPage, type Wanted } from './partition-page';
import type { UnreadableRange } from './read-records';
import { makeFilter, type FilterRequest } from './record-filter';
import { ScanBudget, type Scanned } from './scan-budget';
import type { Telling, ToldRecord } from './told-record';

/** Where a page begins that no cursor leads to. */
export type BrowseFrom = 'start' | 'end' | { offset: number } | { timestampMs: number };

/** What is asked for. */
export interface BrowseRequest {
  topic: string;
  /** Left out: all of them. */
  partition?: number;
  /** Of an earlier page; then `partition`, `from` and `direction` are not looked at. */
  cursor?: string;
  /** By default the start, and backward the end. */
  from?: BrowseFrom;
  direction?: Direction;
  recordsMax: number;
  filter: FilterRequest;
  telling: Telling;
}

/** One page of records. */
export interface BrowsedPage {
  /**
   * Those of one partition in the order of their offsets, or in its reverse; those of several are
   * merged by their times.
   */
  records: ToldRecord[];
  /** Leads to what follows this page in the log; there is always one, for records yet to come. */
  newer: string;
  /** Leads to what lies before this page. */
  older: string;
  /** There was nothing more in this page's direction. */
  atEnd: boolean;
  scanned: Scanned;
  /** Which limit of what one page looks at was reached, if any: go on with the cursor. */
  stoppedBy: 'records' | 'bytes' | 'time' | null;
  /** What cannot be decoded, and so is left out. */
  unreadable: (UnreadableRange & { partition: number })[];
}

/**
 * Reads a page.
 *
 * @throws DoorRefusal; RedisUnavailable | UnknownOutcome when Redis is needed and away
 */
export async function browse(
  services: DoorServices,
  request: BrowseRequest,
  signal: AbortSignal,
): Promise<BrowsedPage> {
  const { recordsMax, telling } = request;
  if (!(recordsMax >= 1 && recordsMax <= limits.browseRecordsMax)) {
    throw invalid('limit-invalid', `a page has 1 to ${limits.browseRecordsMax} records`);
  }
  if (!(telling.bytesMax >= 1 && telling.bytesMax <= limits.toldBytesMax)) {
    throw invalid('value-bytes-invalid', `1 to ${limits.toldBytesMax} bytes of a value are told`);
  }
  const filter = makeFilter(request.filter);
  const budget = new ScanBudget(services.clock, signal);
  const topic = services.catalog.byName(request.topic);
  if (topic === undefined) throw unknownTopic(request.topic);
  const start = await startOf(services, topic, request);
  const replyBytesMax = Math.floor(limits.browseReplyBytesMax / start.positions.size);
  const wanted = { recordsMax, replyBytesMax, filter, telling, budget };
  const pages = await inTurns([...start.positions], limits.browseReadsAtOnceMax, (position) =>
    pageOf(services, topic, start.direction, position, wanted),
  );
  const { spent } = budget;
  const merged = mergePages(pages, { ...wanted, direction: start.direction });
  const cursor = (direction: Direction, positions: PageStart['positions']) =>
    encodeCursor({ topicId: topic.id, direction, positions });
  const isForward = start.direction === 'forward';
  const ends = isForward ? [start.positions, merged.next] : [merged.next, start.positions];
  return {
    records: merged.records,
    older: cursor('backward', ends[0]!),
    newer: cursor('forward', ends[1]!),
    atEnd: merged.atEnd,
    scanned: budget.scanned,
    stoppedBy: spent === 'gone' ? null : spent,
    unreadable: pages.flatMap(({ index, page }) =>
      page.unreadable.map((range) => ({ partition: index, ...range })),
    ),
  };
}

/** There is no such topic. */
export function unknownTopic(name: string): DoorRefusal {
  return new DoorRefusal('unknown', 'unknown-topic', `there is no topic ${JSON.stringify(name)}`);
}

/** The topic has no such partition. */
export function unknownPartition({ name, partitions }: Topic, index: number): DoorRefusal {
  const message = `${name} has the partitions 0 to ${partitions - 1}, and not ${index}`;
  return new DoorRefusal('unknown', 'unknown-partition', message);
}

/** The partition. @throws DoorRefusal */
export function partitionOf(services: DoorServices, topic: Topic, index: number): Partition {
  const partition = services.partitions.open(topic, index);
  if (partition === undefined) throw unknownPartition(topic, index);
  return partition;
}

/** Whether it has too many partitions to be read without one being named. */
export function isTooWide({ partitions }: Topic, named: number | undefined): boolean {
  return named === undefined && partitions > limits.browsePartitionsMax;
}

/** The partition that is named, or all of the topic. @throws DoorRefusal */
export function indexesOf(
  services: DoorServices,
  topic: Topic,
  named: number | undefined,
): number[] {
  if (named !== undefined) {
    partitionOf(services, topic, named);
    return [named];
  }
  if (isTooWide(topic, named)) {
    const message =
      `${topic.name} has ${topic.partitions} partitions, and at most ` +
      `${limits.browsePartitionsMax} are read together; name one`;
    throw invalid('partition-needed', message);
  }
  return Array.from({ length: topic.partitions }, (_, index) => index);
}

async function pageOf(
  services: DoorServices,
  topic: Topic,
  direction: Direction,
  [index, start]: [number, number],
  wanted: Wanted,
): Promise<SourcePage> {
  const source = { partition: partitionOf(services, topic, index), index };
  const read = direction === 'forward' ? pageForward : pageBackward;
  const page: PartitionPage | null = await read(source, start, wanted);
  // Its topic was deleted a moment ago.
  if (page === null) throw unknownTopic(topic.name);
  return { index, page };
}

async function startOf(
  services: DoorServices,
  topic: Topic,
  request: BrowseRequest,
): Promise<PageStart> {
  if (request.cursor !== undefined) {
    const start = decodeCursor(request.cursor);
    if (start.topicId !== topic.id) {
      const message = 'the cursor is of another topic, or of one that was deleted; leave it out';
      throw new DoorRefusal('invalid', 'cursor-invalid', message);
    }
    return start;
  }
  const { partition, direction = request.from === 'end' ? 'backward' : 'forward' } = request;
  const indexes = indexesOf(services, topic, partition);
  const from = request.from ?? (direction === 'forward' ? 'start' : 'end');
  const offsets = await inTurns(indexes, limits.browseReadsAtOnceMax, (index) =>
    offsetOf(services, partitionOf(services, topic, index), from),
  );
  const positions = new Map(indexes.map((index, i) => [index, offsets[i]!]));
  return { topicId: topic.id, direction, positions };
}

/** The first offset at or after `from`; below it lies what a page backward begins with. */
export async function offsetOf(
  { partitions }: DoorServices,
  partition: Partition,
  from: BrowseFrom,
): Promise<number> {
  const bounds = await partition.refreshBounds();
  if (bounds === null) throw unknownTopic(partition.ref.topic);
  const { logStartOffset, highWatermark: end } = bounds;
  if (from === 'start') return logStartOffset;
  if (from === 'end') return end;
  if ('offset' in from) return Math.min(Math.max(from.offset, logStartOffset), end);
  try {
    const found = await partitions.store.firstAtOrAfter(partition.ref, from.timestampMs);
    return Math.min(found?.offset ?? end, end);
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    const message = `a batch that the search by time came to cannot be read: ${error.message}`;
    throw new DoorRefusal('conflict', 'unreadable-batch', message);
  }
}
