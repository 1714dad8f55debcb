import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordData } from '@sluice/records';
import { waitForChange } from '../fetch/fetch-wait';
import { limits } from '../limits';
import type { Partition } from '../partitions/partition';
import { readErrorCode } from '../requests/error-codes';
import {
  indexesOf,
  isTooWide,
  offsetOf,
  partitionOf,
  unknownTopic,
  type BrowseFrom,
} from './browse';
import { invalid } from './door-refusal';
import type { DoorServices } from './door-services';
import { readRecords } from './read-records';
import { makeFilter, type FilterRequest, type RecordFilter } from './record-filter';
import { decodeTailPosition, encodeTailPosition } from './tail-position';
import { tellRecord, type Telling, type ToldRecord } from './told-record';

/** What is to be tailed. */
export interface TailRequest {
  topic: string;
  /** Left out: all, also those that the topic is given later. */
  partition?: number;
  /** By default the end: only what comes from now on. */
  from?: BrowseFrom;
  /** The `id` of the last event that the reader has: it goes on behind that. */
  lastEventId?: string;
  filter: FilterRequest;
  telling: Telling;
}

/**
 * Why a tail ends. `dropped`: its reader took nothing for too long. `partition-needed`: the topic
 * was given more partitions than one tail follows.
 */
export type TailEnd = 'dropped' | 'topic-deleted' | 'partition-needed' | 'stopped';

/** What a reader of a tail is told. */
export type TailEvent =
  | { event: 'record'; id: string; data: ToldRecord }
  /** The position, without a record: where the reader stands at first, and now and then later. */
  | { event: 'position'; id: string; data: Record<string, number> }
  /** Offsets that are not told: they are deleted, or cannot be decoded. */
  | {
      event: 'gap';
      id: string;
      data: { partition: number; fromOffset: number; toOffset: number; reason: string };
    }
  /** Redis cannot be asked; the tail goes on when it can. */
  | { event: 'trouble'; data: { reason: string } }
  | { event: 'end'; data: { reason: TailEnd } };

/** Takes what a tail tells. */
export interface TailReader {
  /** False: wait for `drained` before more is sent. */
  send(event: TailEvent): boolean;
  /** Nothing has happened for a while. False: as of `send`. */
  heartbeat(): boolean;
  /** Resolves once the reader has taken what it was sent; rejects never. */
  drained(signal: AbortSignal): Promise<void>;
}

/** One reader that follows a topic. It reads from the log, and nothing is buffered for it. */
export class Tail {
  private readonly filter: RecordFilter | null;
  private readonly positions = new Map<number, number>();
  private topicId = '';
  private isTroubled = false;
  private isStalled = false;
  /** The reader has not taken all that it was sent. */
  private isFull = false;
  private lastSentMs = 0;

  /** @throws DoorRefusal */
  constructor(
    private readonly services: DoorServices,
    private readonly request: TailRequest,
    private readonly reader: TailReader,
    /** Aborted when the reader is gone, or the gateway stops. */
    private readonly signal: AbortSignal,
  ) {
    this.filter = makeFilter(request.filter);
    const { bytesMax } = request.telling;
    if (!(bytesMax >= 1 && bytesMax <= limits.toldBytesMax)) {
      throw invalid('value-bytes-invalid', `1 to ${limits.toldBytesMax} bytes of a value are told`);
    }
  }

  /**
   * Finds where to begin. To be called before `follow`, so that what is wrong can still be refused.
   *
   * @throws DoorRefusal | RedisUnavailable | UnknownOutcome
   */
  async open(): Promise<void> {
    const { request, services } = this;
    const topic = services.catalog.byName(request.topic);
    if (topic === undefined) throw unknownTopic(request.topic);
    this.topicId = topic.id;
    const indexes = indexesOf(services, topic, request.partition);
    const known = decodeTailPosition(request.lastEventId, topic.id);
    for (const index of indexes) {
      const position = known?.get(index);
      // A partition that came since then is read whole.
      const from = known === null ? (request.from ?? 'end') : 'start';
      const partition = partitionOf(services, topic, index);
      this.positions.set(index, position ?? (await offsetOf(services, partition, from)));
    }
  }

  /** Tells records until the reader is gone or there is a reason to end, which it returns. */
  async follow(): Promise<TailEnd> {
    const { services, request } = this;
    this.tellPosition();
    await this.settle();
    for (;;) {
      if (this.isStalled) return 'dropped';
      const topic = services.catalog.byId(this.topicId);
      if (topic === undefined) return 'topic-deleted';
      if (this.signal.aborted) return 'stopped';
      if (isTooWide(topic, request.partition)) return 'partition-needed';
      const partitions = indexesOf(services, topic, request.partition).map((index) => ({
        index,
        partition: partitionOf(services, topic, index),
      }));
      const seen = partitions.map(({ partition }) => partition.changeCount);
      const isBehind = await this.readAll(partitions);
      const hasChanged = partitions.some(({ partition }, i) => partition.changeCount !== seen[i]);
      // What is hot comes without a turn of the event loop, and others are to have theirs.
      await nextTurn();
      if (isBehind || hasChanged || this.isStalled || this.signal.aborted) continue;
      await this.wait(partitions.map(({ partition }) => partition));
    }
  }

  /** @returns whether there is more to read at once */
  private async readAll(all: { index: number; partition: Partition }[]): Promise<boolean> {
    let isBehind = false;
    for (const { index, partition } of all) {
      try {
        isBehind = (await this.readOne(index, partition)) || isBehind;
        this.isTroubled = false;
      } catch (error) {
        // Redis is away, or another leads by now: both pass, and are not the reader's doing.
        if (readErrorCode(error) === undefined) throw error;
        const { message: reason } = error as Error;
        if (!this.isTroubled) this.send({ event: 'trouble', data: { reason } });
        this.isTroubled = true;
        await this.settle();
        return false;
      }
      // A filter may pass over much, and a reader that hears nothing for long is cut off.
      await this.sayAlive();
      if (this.signal.aborted || this.isStalled) return false;
    }
    return isBehind;
  }

  private async readOne(index: number, partition: Partition): Promise<boolean> {
    const { telling } = this.request;
    const start = this.positions.get(index) ?? 0;
    let goesOn = true;
    const visit = (record: RecordData): boolean => {
      this.positions.set(index, record.offset + 1);
      if (this.filter !== null && !this.filter(record)) return true;
      const data = tellRecord(index, record, telling);
      goesOn = this.send({ event: 'record', id: this.id, data });
      return goesOn;
    };
    const read = await readRecords(partition, start, limits.browseReadBytesMax, visit);
    if ('refused' in read) return this.refused(index, partition, start, read.refused);
    this.positions.set(index, read.nextOffset);
    for (const range of read.unreadable) this.tellGap(index, range);
    await this.settle();
    return !read.atEnd;
  }

  /** @returns whether there may be more to read at once */
  private async refused(
    index: number,
    partition: Partition,
    start: number,
    refused: 'unknown-partition' | 'out-of-range',
  ): Promise<boolean> {
    // Its topic is about to go, or its partition to come: the catalogue will say so.
    if (refused === 'unknown-partition') return false;
    const bounds = await partition.refreshBounds();
    if (bounds === null) return false;
    const { logStartOffset, logEndOffset } = bounds;
    if (start >= logStartOffset && start <= logEndOffset) return true;
    const isBelow = start < logStartOffset;
    this.positions.set(index, isBelow ? logStartOffset : logEndOffset);
    const reason = isBelow ? 'deleted before they were read' : 'lost by Redis';
    const [from, to] = isBelow ? [start, logStartOffset] : [logEndOffset, start];
    this.tellGap(index, { fromOffset: from, toOffset: to - 1, reason });
    await this.settle();
    return true;
  }

  private tellGap(
    partition: number,
    range: { fromOffset: number; toOffset: number; reason: string },
  ): void {
    this.send({ event: 'gap', id: this.id, data: { partition, ...range } });
  }

  private tellPosition(): void {
    const data = Object.fromEntries(this.positions) as Record<string, number>;
    this.send({ event: 'position', id: this.id, data });
  }

  /** @returns false where no more is to be sent before `settle` */
  private send(event: TailEvent): boolean {
    return this.sent(this.reader.send(event));
  }

  private sent(isTaken: boolean): boolean {
    this.lastSentMs = this.services.clock.monotonicMs();
    if (!isTaken) this.isFull = true;
    return isTaken;
  }

  /** How long until the reader is to be told that the tail is alive. */
  private get quietMs(): number {
    return this.lastSentMs + limits.tailHeartbeatMs - this.services.clock.monotonicMs();
  }

  /** Says that the tail is alive, where nothing was sent for a while. */
  private async sayAlive(): Promise<void> {
    if (this.isStalled || this.quietMs > 0) return;
    // The reader is to resume behind what a filter passed over.
    if (this.filter !== null) this.tellPosition();
    else this.sent(this.reader.heartbeat());
    await this.settle();
  }

  private get id(): string {
    return encodeTailPosition(this.topicId, this.positions);
  }

  /** Waits until the reader has taken what it was sent, but not for ever. */
  private async settle(): Promise<void> {
    if (!this.isFull) return;
    this.isFull = false;
    const waiting = new AbortController();
    const timer = this.services.clock.setTimer(limits.tailStallMs, () => {
      this.isStalled = true;
      waiting.abort();
    });
    try {
      await this.reader.drained(AbortSignal.any([waiting.signal, this.signal]));
    } finally {
      timer.cancel();
    }
  }

  /** Waits for something to come, and says now and then that the tail is alive. */
  private async wait(partitions: Partition[]): Promise<void> {
    const { clock } = this.services;
    const quietMs = Math.max(this.quietMs, 0);
    const waitMs = this.isTroubled ? Math.min(limits.tailRetryMs, quietMs) : quietMs;
    const deletion = this.whenDeleted();
    const signal = AbortSignal.any([this.signal, deletion.signal]);
    try {
      const watched = this.isTroubled ? [] : partitions;
      await waitForChange(watched, waitMs, { clock, signal });
    } finally {
      deletion.stop();
    }
    await this.sayAlive();
  }

  private whenDeleted(): { signal: AbortSignal; stop: () => void } {
    const changed = new AbortController();
    const stop = this.services.catalog.on('change', ({ deleted, updated }) => {
      if ((deleted ?? updated)?.id === this.topicId) changed.abort();
    });
    return { signal: changed.signal, stop };
  }
}
