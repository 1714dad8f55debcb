import type { ClusterView } from '@sluice/cluster';
import type {
  AppendBatch,
  AppendDone,
  AppendReply,
  Confirmation,
  Leadership,
  PartitionBounds,
  PartitionConfirmer,
  PartitionRef,
  PartitionStore,
  PartitionWatch,
  PartitionWriter,
} from '@sluice/log';
import { noLeadership } from '@sluice/log';
import { stampBatch } from '@sluice/records';
import type { Clock, Logger, MemoryBudget, TroubleLog } from '@sluice/base';
import { limits } from '../limits';
import type { ColdRun } from './cold-run';
import { ColdReads } from './cold-reads';
import type { HotMemory } from './hot-memory';
import { type BatchRun, HotRing } from './hot-ring';
import { PartitionTraffic, type PartitionRates } from './partition-traffic';
import type { TrafficMeter } from './traffic-meter';

/** What a read has found. */
export type ReadOutcome =
  { run: BatchRun | null; logStartOffset: number; highWatermark: number } | ReadRefusal;

type ReadRefusal = { refused: 'unknown-partition' | 'out-of-range' };

/** What all partitions share. */
export interface PartitionServices {
  store: PartitionStore;
  cluster: Pick<ClusterView, 'isSure'>;
  clock: Clock;
  hotMemory: HotMemory;
  readAheadBudget: MemoryBudget;
  replicationTimeoutMs: number;
  /** What a topic asks for before readers get a record; undefined: there is no such topic. */
  confirmationOf: (topicId: string) => Confirmation | null | undefined;
  log: Logger;
  traffic: TrafficMeter;
  /** Told of appends that fail, of all partitions together. */
  appendTrouble: Pick<TroubleLog, 'note'>;
}

/** For which leadership a partition is made. */
export interface PartitionTerms {
  /** See `Placement.leadership`; `noLeadership`: it depends on none. */
  leadership: number;
  /**
   * Told when the partition turns out to know another leadership.
   *
   * @param known which; null where only that is known
   */
  onLost: (partition: Partition, known: number | null) => void;
}

/**
 * A partition as its leader sees it: appends in order, the hot tail, and those who wait for more.
 * It is made for one leadership, and closed with it.
 */
export class Partition {
  private readonly writer: PartitionWriter;
  private readonly confirmer: PartitionConfirmer;
  private readonly watch: PartitionWatch;
  private readonly ring: HotRing;
  private readonly cold: ColdReads;
  private readonly meter: PartitionTraffic;
  private readonly claim: Leadership | undefined;
  private lastUsedMs: number;
  private open = true;

  constructor(
    readonly ref: PartitionRef,
    private readonly terms: PartitionTerms,
    private readonly services: PartitionServices,
  ) {
    const { store, clock, log, hotMemory, readAheadBudget: budget } = services;
    const { replicationTimeoutMs, appendTrouble: trouble } = services;
    this.ring = new HotRing(hotMemory);
    const isHot = (offset: number): boolean => this.ring.holds(offset);
    this.meter = new PartitionTraffic(services.traffic.of(ref.topic), clock);
    this.cold = new ColdReads({ store, ref, budget, isHot, meter: this.meter });
    const onReply = this.appended.bind(this);
    this.claim = this.makeClaim();
    const { claim: leadership } = this;
    const confirmer = (this.confirmer = store.confirmer(ref, {
      replicationTimeoutMs,
      trouble,
      asked: () => services.confirmationOf(ref.topicId),
      highWatermark: () => this.watch.highWatermark,
      onConfirmed: (upTo) => this.watch.confirmed(upTo),
    }));
    const common = { replicationTimeoutMs, log, trouble, onReply, confirmer };
    this.writer = store.writer(ref, { leadership, ...common });
    const isAppending = (): boolean => this.writer.callIsOut;
    this.watch = store.watch(ref, {
      leadership,
      clock,
      isAppending,
      onSetBack: () => this.forget(),
      onTrimmed: (logStartOffset) => this.forgetBelow(logStartOffset),
      onUnconfirmed: (bounds) => confirmer.noticed(bounds),
      settle: (upTo) => confirmer.settle(upTo),
    });
    this.lastUsedMs = clock.monotonicMs();
  }

  /** Rises with each change that listeners are told of: who notes it before looking misses none. */
  get changeCount(): number {
    return this.watch.changeCount;
  }

  /** The leadership that it was made for. */
  get leadership(): number {
    return this.terms.leadership;
  }

  /** Whether it needs no leadership, or surely has the one that it was made for. */
  get isClaimed(): boolean {
    return this.claim === undefined || this.claim.isClaimed;
  }

  /** Whether it has not been closed: the leadership may hold. */
  get isOpen(): boolean {
    return this.open;
  }

  /** Whether what waits for it may be answered by it: the leadership surely holds. */
  get isServing(): boolean {
    return this.open && this.services.cluster.isSure;
  }

  /** True when nothing is under way and nobody has asked for some time. */
  get idle(): boolean {
    if (this.watch.hasListeners || this.writer.busy || this.confirmer.busy) return false;
    return this.services.clock.monotonicMs() - this.lastUsedMs > limits.partitionIdleMs;
  }

  /** What went in and out through this gateway lately. */
  get rates(): PartitionRates {
    return this.meter.rates;
  }

  /** Somebody is about to use it. */
  touch(): void {
    this.lastUsedMs = this.services.clock.monotonicMs();
  }

  /** Appends a batch that was checked before; null: the primary's word is enough for it. */
  append(batch: AppendBatch, asked: Confirmation | null, done: AppendDone): void {
    this.lastUsedMs = this.services.clock.monotonicMs();
    this.writer.append(batch, asked, done, this.lastUsedMs);
  }

  /**
   * The batches from the one that holds `offset`, up to `bytesMax` but at least one where there is
   * any; no run where the offset is the high watermark, or above it in the log. Rejects with
   * RedisUnavailable when Redis is needed and away.
   */
  async read(offset: number, bytesMax: number): Promise<ReadOutcome> {
    this.lastUsedMs = this.services.clock.monotonicMs();
    let bounds = await this.watch.current();
    if (bounds && refusalOf(offset, bounds)) bounds = await this.watch.refresh();
    const outcome = lookAt(offset, bounds);
    if (!bounds || 'refused' in outcome || offset >= bounds.highWatermark) return outcome;
    const hot = this.readHot(offset, bytesMax, bounds.highWatermark);
    const run = hot ?? (await this.readCold(offset, bytesMax));
    // The log has been trimmed meanwhile, or a hand has removed what was there.
    if (!run) return lookAt(offset, await this.watch.refresh());
    // What was confirmed meanwhile may have come along.
    const highWatermark = Math.max(bounds.highWatermark, run.nextOffset);
    return { run, logStartOffset: bounds.logStartOffset, highWatermark };
  }

  /** What is known of log start, log end and sizes if it is surely fresh, else from Redis. */
  currentBounds(): Promise<PartitionBounds | null> {
    return this.watch.current();
  }

  /** Asks Redis for the bounds; null when the partition does not exist (any more). */
  refreshBounds(): Promise<PartitionBounds | null> {
    return this.watch.refresh();
  }

  /** Null where nobody waits; else what takes bounds that are asked for from now on. */
  expectBounds(): ((bounds: PartitionBounds | null) => void) | null {
    return this.watch.hasListeners ? this.watch.expectBounds() : null;
  }

  /** Calls the listener on each change that a waiting fetch should look at; returns its removal. */
  onChange(listener: () => void): () => void {
    return this.watch.onChange(listener);
  }

  /** What is known may be wrong now: another history of Redis, or notices were lost. */
  invalidate(historyChanged: boolean): void {
    if (historyChanged) this.claim?.renew();
    if (historyChanged) this.ring.clear();
    this.cold.clear();
    this.watch.invalidate();
  }

  /** Those who wait look again; what is known of the log stays. */
  lookAgain(): void {
    this.watch.wake();
  }

  /** Its topic is gone: those who wait look again, and find no such partition. */
  drop(): void {
    this.end();
    this.watch.drop();
  }

  /** The leadership is over. Frees memory and the subscription; those who wait look again. */
  close(): void {
    this.end();
    this.watch.close();
  }

  private makeClaim(): Leadership | undefined {
    const { leadership, onLost } = this.terms;
    if (leadership === noLeadership) return undefined;
    const { store } = this.services;
    return store.leadership(this.ref, leadership, (known) => onLost(this, known));
  }

  private end(): void {
    this.open = false;
    this.claim?.end();
    this.writer.close();
    this.confirmer.close();
    this.forget();
  }

  /** What was read or appended before may not be in the log any more. */
  private forget(): void {
    this.ring.clear();
    this.cold.clear();
  }

  /** The log begins here now. */
  private forgetBelow(logStartOffset: number): void {
    this.ring.dropBelow(logStartOffset);
    this.cold.dropBelow(logStartOffset);
  }

  private appended(
    batches: readonly AppendBatch[],
    reply: AppendReply | null,
    asked: Confirmation | null,
  ): void {
    if (!reply || 'refused' in reply) {
      const isGone = reply?.refused === 'unknown-partition';
      this.watch.appendFailed({ isGone });
      if (reply?.refused === 'fenced-leader') this.terms.onLost(this, null);
      return;
    }
    let appended = 0;
    let records = 0;
    let bytesAppended = 0;
    reply.results.forEach((result, i) => {
      if (result.kind !== 'appended') return;
      const { bytes, lastOffsetDelta } = batches[i]!;
      stampBatch(bytes, 0, result.baseOffset, reply.leaderEpoch);
      this.ring.push(bytes, result.baseOffset, result.baseOffset + lastOffsetDelta + 1);
      appended++;
      records += lastOffsetDelta + 1;
      bytesAppended += bytes.length;
    });
    this.meter.appended(appended, records, bytesAppended);
    this.forgetBelow(reply.logStartOffset);
    this.watch.appended(reply.logStartOffset, reply.logEndOffset, asked !== null);
  }

  private readHot(offset: number, bytesMax: number, endOffset: number): BatchRun | null {
    const run = this.ring.read(offset, bytesMax, endOffset);
    if (run !== null) this.meter.read('hot', run.batches ?? 0, run.nextOffset - offset, run.bytes);
    return run;
  }

  private async readCold(offset: number, bytesMax: number): Promise<ColdRun | null> {
    const sized = await this.watch.withSizes();
    if (!sized) return null;
    const run = await this.cold.read(offset, bytesMax, sized);
    const hasCome = run.chunks.length > 0;
    if (hasCome && !run.hasGap) return run;
    const logStart = await this.lookForMissing();
    if (hasCome && offset >= logStart) return run;
    run.release();
    return null;
  }

  /**
   * Looks for batches that something else has removed, and tells of them once; the log start is
   * true afterwards. Resolves with it, or 0 where nothing is missing.
   */
  private async lookForMissing(): Promise<number> {
    const { store, log } = this.services;
    const missing = await store.findMissing(this.ref);
    if (!missing) return 0;
    const { topic, partition } = this.ref;
    const message = 'batches are missing that something other than Sluice has removed from Redis';
    log.error(message, { topic, partition, ...missing });
    return missing.logStartOffset;
  }
}

function refusalOf(offset: number, bounds: PartitionBounds | null): ReadRefusal | null {
  if (!bounds) return { refused: 'unknown-partition' };
  const { logStartOffset, logEndOffset } = bounds;
  if (offset < logStartOffset || offset > logEndOffset) return { refused: 'out-of-range' };
  return null;
}

/** What a read finds that is given nothing. */
function lookAt(offset: number, bounds: PartitionBounds | null): ReadOutcome {
  const refusal = refusalOf(offset, bounds);
  if (refusal || !bounds) return refusal!;
  const { logStartOffset, highWatermark } = bounds;
  return { run: null, logStartOffset, highWatermark };
}
