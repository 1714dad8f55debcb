import type {
  AppendBatch,
  AppendDone,
  AppendReply,
  PartitionBounds,
  PartitionRef,
  PartitionStore,
  PartitionWriter,
} from '@sluice/log';
import { stampBatch } from '@sluice/records';
import type { Clock, Logger, MemoryBudget, TroubleLog } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { limits } from '../limits';
import { ColdReader } from './cold-reader';
import { type ColdRun, cutRun, emptyRun } from './cold-run';
import type { HotMemory } from './hot-memory';
import { type BatchRun, HotRing } from './hot-ring';
import { ReadAhead } from './read-ahead';

/**
 * The leader epoch of every partition until leaders move between gateways; it never goes backwards.
 */
export const constantLeaderEpoch = 0;

export type ReadOutcome =
  | { run: BatchRun | null; logStartOffset: number; highWatermark: number }
  | { refused: 'unknown-partition' | 'out-of-range' };

export interface PartitionServices {
  store: PartitionStore;
  redis: RedisLink;
  clock: Clock;
  hotMemory: HotMemory;
  readAheadBudget: MemoryBudget;
  replicationTimeoutMs: number;
  log: Logger;
  /** Told of appends that fail, of all partitions together. */
  appendTrouble: Pick<TroubleLog, 'note'>;
}

/**
 * A partition as its leader sees it: appends in order, the hot tail, and those who wait for more.
 */
export class Partition {
  private bounds: PartitionBounds | null = null;
  /** While there are no bounds: as far as the log reaches by the answers to our own appends. */
  private appendedEnd = 0;
  /** As far as the log reaches by what was published of it. */
  private heardEnd = 0;
  private boundsAtMs = -Infinity;
  private sizesAtMs = -Infinity;
  private stopWatching: Promise<() => Promise<void>> | null = null;
  /** Somebody may still read from it, but it is not looked after any more. */
  private closed = false;
  /** Its topic was deleted, even if Redis still has it until it is swept. */
  private deleted = false;
  private readonly ring: HotRing;
  private readonly ahead: ReadAhead;
  private readonly cold: ColdReader;
  private readonly writer: PartitionWriter;
  private readonly listeners = new Set<() => void>();
  private changes = 0;
  private lastUsedMs: number;

  constructor(
    readonly ref: PartitionRef,
    private readonly services: PartitionServices,
  ) {
    this.ring = new HotRing(services.hotMemory);
    this.ahead = new ReadAhead(services.readAheadBudget);
    this.cold = new ColdReader(services.store, ref);
    this.writer = services.store.writer(ref, {
      leaderEpoch: constantLeaderEpoch,
      replicationTimeoutMs: services.replicationTimeoutMs,
      log: services.log,
      trouble: services.appendTrouble,
      onReply: (batches, reply) => this.appended(batches, reply),
    });
    this.lastUsedMs = services.clock.monotonicMs();
  }

  /** Rises with each change that listeners are told of: who notes it before looking misses none. */
  get changeCount(): number {
    return this.changes;
  }

  get hasWaiting(): boolean {
    return this.listeners.size > 0;
  }

  /** True when nothing is under way and nobody has asked for some time. */
  get idle(): boolean {
    if (this.hasWaiting || this.writer.busy) return false;
    return this.services.clock.monotonicMs() - this.lastUsedMs > limits.partitionIdleMs;
  }

  /** Appends a batch that was checked before; `copies` replicas have to confirm it. */
  append(batch: AppendBatch, copies: number, done: AppendDone): void {
    this.lastUsedMs = this.services.clock.monotonicMs();
    this.writer.append(batch, copies, done);
  }

  /**
   * The batches from the one that holds `offset`, up to `bytesMax` but at least one where there is
   * any; no run when the offset is the log end. Rejects with RedisUnavailable when Redis is needed
   * and away.
   */
  async read(offset: number, bytesMax: number): Promise<ReadOutcome> {
    this.lastUsedMs = this.services.clock.monotonicMs();
    let bounds = await this.currentBounds();
    if (bounds && (offset < bounds.logStartOffset || offset > bounds.logEndOffset)) {
      bounds = await this.refreshBounds();
    }
    if (!bounds) return { refused: 'unknown-partition' };
    const { logStartOffset, logEndOffset } = bounds;
    if (offset < logStartOffset || offset > logEndOffset) return { refused: 'out-of-range' };
    const empty = { run: null, logStartOffset, highWatermark: logEndOffset };
    if (offset === logEndOffset) return empty;
    const run = this.ring.read(offset, bytesMax) ?? (await this.readCold(offset, bytesMax, bounds));
    if (!run) return empty;
    // What was appended meanwhile may have come along.
    return { run, logStartOffset, highWatermark: Math.max(logEndOffset, run.nextOffset) };
  }

  /**
   * Log start, log end and counters: what this gateway knows if that is surely fresh, else from
   * Redis.
   */
  async currentBounds(): Promise<PartitionBounds | null> {
    if (this.bounds) {
      if (this.stopWatching) return this.bounds;
      const age = this.services.clock.monotonicMs() - this.boundsAtMs;
      if (age <= limits.boundsFreshMs) return this.bounds;
    }
    return this.refreshBounds();
  }

  /** Asks Redis for the bounds; null when the partition does not exist (any more). */
  async refreshBounds(): Promise<PartitionBounds | null> {
    if (this.deleted) return null;
    this.setBounds(await this.services.store.bounds(this.ref));
    this.sizesAtMs = this.boundsAtMs;
    return this.bounds;
  }

  /** Takes over bounds that were read elsewhere, and wakes those who wait if they have moved. */
  setBounds(bounds: PartitionBounds | null): void {
    if (this.deleted) return;
    const known = this.bounds;
    this.boundsAtMs = this.services.clock.monotonicMs();
    // A reply that was under way while an append was answered must not move the end back.
    if (known && bounds && bounds.logEndOffset < known.logEndOffset) return;
    const behind = bounds !== null && bounds.logEndOffset < this.appendedEnd;
    this.bounds = behind ? { ...bounds, logEndOffset: this.appendedEnd } : bounds;
    this.appendedEnd = 0;
    const moved = known?.logEndOffset !== this.bounds?.logEndOffset;
    if (moved || known?.logStartOffset !== bounds?.logStartOffset) this.notify();
  }

  /** Calls the listener on each change that a waiting fetch should look at; returns its removal. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    this.watch();
    return () => this.listeners.delete(listener);
  }

  /** What is known may be wrong now: another history of Redis, or notices were lost. */
  invalidate(historyChanged: boolean): void {
    this.bounds = null;
    this.appendedEnd = 0;
    this.heardEnd = 0;
    this.ahead.clear();
    if (historyChanged) this.ring.clear();
    this.notify();
  }

  /** Its topic is gone: those who wait look again, and find no such partition. */
  drop(): void {
    this.deleted = true;
    this.close();
  }

  /** Frees memory and the subscription; those who wait look again. */
  close(): void {
    this.closed = true;
    this.writer.close();
    this.invalidate(true);
    const watching = this.stopWatching;
    this.stopWatching = null;
    watching?.then((stop) => stop()).catch(() => {});
  }

  private appended(batches: readonly AppendBatch[], reply: AppendReply | null): void {
    if (!reply) return this.takeHeard();
    if ('refused' in reply) {
      if (reply.refused === 'unknown-partition') this.bounds = null;
      return;
    }
    reply.results.forEach((result, i) => {
      if (result.kind !== 'appended') return;
      const { bytes, lastOffsetDelta } = batches[i]!;
      stampBatch(bytes, 0, result.baseOffset, constantLeaderEpoch);
      this.ring.push(bytes, result.baseOffset, result.baseOffset + lastOffsetDelta + 1);
    });
    const { logStartOffset, logEndOffset } = reply;
    if (!this.bounds) this.appendedEnd = Math.max(this.appendedEnd, logEndOffset);
    else if (this.bounds.logEndOffset <= logEndOffset) {
      this.boundsAtMs = this.services.clock.monotonicMs();
      const heard = Math.max(logEndOffset, this.heardEnd);
      this.bounds = { ...this.bounds, logStartOffset, logEndOffset: heard };
    }
    this.notify();
  }

  private async readCold(
    offset: number,
    bytesMax: number,
    bounds: PartitionBounds,
  ): Promise<BatchRun | null> {
    const sized = await this.sizedBounds(bounds);
    if (!sized) return null;
    const ahead = await this.ahead.take(offset);
    const found = ahead !== null && ahead.chunks.length > 0;
    const run = found ? ahead : await this.cold.read(emptyRun(offset), bytesMax, sized);
    if (run.chunks.length === 0) return null;
    const rest = cutRun(run, bytesMax);
    const next = run.nextOffset;
    const sequential = found || this.cold.isSequential(offset);
    if (rest || sequential) this.readOn(next, rest, bytesMax, sized);
    this.cold.note(next);
    return run;
  }

  /** Gets ready what a sequential reader will ask for next, beginning with what is read already. */
  private readOn(
    next: number,
    rest: ColdRun | null,
    bytesMax: number,
    bounds: PartitionBounds,
  ): void {
    if (this.ring.holds(next)) return;
    const bytes = Math.min(bytesMax, limits.readAheadBytesMax);
    this.ahead.extend(next, {
      depth: limits.readAheadDepth,
      bytes,
      endOffset: bounds.logEndOffset,
      read: (offset) => {
        const start = offset === next && rest ? rest : emptyRun(offset);
        return this.cold.read(start, bytes, bounds);
      },
    });
  }

  /** Bounds whose counters are recent enough to say how many entries may be asked for. */
  private async sizedBounds(bounds: PartitionBounds): Promise<PartitionBounds | null> {
    const ageMs = this.services.clock.monotonicMs() - this.sizesAtMs;
    return ageMs <= limits.sizesFreshMs ? bounds : this.refreshBounds();
  }

  private takeHeard(): void {
    const { bounds, heardEnd } = this;
    if (!bounds || heardEnd <= bounds.logEndOffset) return;
    this.setBounds({ ...bounds, logEndOffset: heardEnd });
  }

  private notify(): void {
    this.changes++;
    for (const listener of this.listeners) listener();
  }

  private watch(): void {
    // Nobody would take back the subscription of one that is closed.
    if (this.stopWatching || this.closed) return;
    const { redis, store } = this.services;
    const heard = (message: string) => {
      this.heardEnd = Math.max(this.heardEnd, Number.parseInt(message, 10));
      // While our own append is out this is most likely its echo; what it appends will be hot, so
      // its reply comes first, and then what others have said meanwhile.
      if (!this.writer.callIsOut) this.takeHeard();
    };
    const watching = redis.subscribe(store.wakeChannel(this.ref), heard);
    this.stopWatching = watching;
    watching.catch(() => {
      if (this.stopWatching === watching) this.stopWatching = null;
    });
  }
}
