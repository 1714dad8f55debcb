import type { Clock } from '@sluice/base';
import type { PartitionBounds } from '../bounds';
import type { PartitionLimits } from '../partition-limits';
import { bothWakeUps, readWakeUp, type WakeUp } from './wake-up';

/** Where a watch has from what it knows. */
export interface WatchSource {
  /** Asks Redis; null when there is no such partition (any more). */
  bounds(): Promise<PartitionBounds | null>;
  /**
   * Listens to the partition's channel; resolves with what takes that back, once nothing that is
   * published from then on is missed. `onMissed` is called when something may have been.
   */
  subscribe(
    listener: (message: string) => void,
    onMissed: () => void,
  ): Promise<() => Promise<void>>;
}

/** What a watch is made of. */
export interface WatchOptions {
  source: WatchSource;
  clock: Clock;
  limits: Pick<PartitionLimits, 'boundsFreshMs' | 'sizesFreshMs'>;
  /**
   * True while an append of this process is out, of whose end the watch is told by `appended` or
   * `appendFailed`.
   */
  isAppending: () => boolean;
  /**
   * Redis has another history than was known: what was read or appended before may not be there.
   * Told before those who wait.
   */
  onSetBack: () => void;
  /** The log begins higher than was known: what is kept of it below that is of no use any more. */
  onTrimmed: (logStartOffset: number) => void;
  /** Something at the end of the log is not confirmed, and so not for readers yet. */
  onUnconfirmed?: (bounds: PartitionBounds) => void;
  /**
   * Has all confirmed up to an offset. It is asked for where the end of the log is not confirmed
   * and nothing was known of it before: some of that may have been acknowledged, and whoever
   * waited for it has not told Redis yet, or never will.
   *
   * @returns a promise that resolves, within a time, whether that is done or not
   */
  settle?: (upTo: number) => Promise<void>;
}

/**
 * What this process knows of how far a partition reaches: from its own appends, from what all
 * writers publish, and from asking. Nothing that another writer has said is ever dropped.
 */
export class PartitionWatch {
  private known: PartitionBounds | null = null;
  /** The log start that `onTrimmed` was last told of. */
  private toldStart = 0;
  /** What was said and is not in `known` yet. */
  private heard: WakeUp | null = null;
  private knownAtMs = -Infinity;
  private sizesAtMs = -Infinity;
  private subscription: Promise<() => Promise<void>> | null = null;
  /** Everything that is published is heard. */
  private isConfirmed = false;
  private readonly listeners = new Set<() => void>();
  private changes = 0;
  /** Up to where this process knows that the log is confirmed, which no loss of Redis changes. */
  private confirmedUpTo = -1;
  private settling: Promise<void> | null = null;
  /** Rises whenever what was asked before is worth nothing. */
  private generation = 0;
  private state: 'open' | 'closed' | 'gone' = 'open';

  constructor(private readonly options: WatchOptions) {}

  /** Rises with each change that listeners are told of: who notes it before looking misses none. */
  get changeCount(): number {
    return this.changes;
  }

  /** True while somebody waits for a change; then `expectBounds` is to be used now and then. */
  get hasListeners(): boolean {
    return this.listeners.size > 0;
  }

  /**
   * What is known if it is surely fresh, else what Redis says; null when there is no such
   * partition.
   *
   * @throws RedisUnavailable | UnknownOutcome when Redis has to be asked and cannot be
   */
  async current(): Promise<PartitionBounds | null> {
    if (this.settling !== null) await this.settling;
    const { known } = this;
    if (known === null) return this.refresh();
    if (this.isConfirmed) return known;
    const ageMs = this.options.clock.monotonicMs() - this.knownAtMs;
    return ageMs <= this.options.limits.boundsFreshMs ? known : this.refresh();
  }

  /**
   * As `current`, with sizes that are recent enough to say how many entries may be asked for.
   *
   * @throws as `current`
   */
  async withSizes(): Promise<PartitionBounds | null> {
    const ageMs = this.options.clock.monotonicMs() - this.sizesAtMs;
    const isFresh = this.known !== null && ageMs <= this.options.limits.sizesFreshMs;
    return isFresh ? this.known : this.refresh();
  }

  /**
   * Asks Redis; null when there is no such partition (any more).
   *
   * @throws as `current`
   */
  async refresh(): Promise<PartitionBounds | null> {
    for (;;) {
      if (this.state === 'gone') return null;
      const { generation } = this;
      const take = this.expectBounds();
      take(await this.options.source.bounds());
      if (this.settling !== null) await this.settling;
      if (generation === this.generation) return this.known;
    }
  }

  /**
   * For who asks for the bounds of many partitions at once: to be called before asking, and the
   * returned function with the answer.
   */
  expectBounds(): (bounds: PartitionBounds | null) => void {
    const { generation, known, heard } = this;
    return (bounds) => {
      if (generation !== this.generation || this.state === 'gone') return;
      // If nothing was said meanwhile this is how it is, even if it is less than was known.
      this.take(bounds, known === this.known && heard === this.heard);
    };
  }

  /** Up to where readers may be given the log, as far as is known; -1: nothing is. */
  get highWatermark(): number {
    return this.known?.highWatermark ?? -1;
  }

  /**
   * An append of this process was answered.
   *
   * @param isHeld it is not for readers before it is confirmed
   */
  appended(logStartOffset: number, logEndOffset: number, isHeld = false): void {
    const highWatermark = isHeld ? 0 : logEndOffset;
    this.say({ logEndOffset, logStartOffset, highWatermark });
    this.notify();
  }

  /** All below this offset is for readers. */
  confirmed(upTo: number): void {
    this.confirmedUpTo = Math.max(this.confirmedUpTo, upTo);
    if (this.say({ logEndOffset: upTo, logStartOffset: null, highWatermark: upTo })) this.notify();
  }

  /** An append of this process failed, and may be done or not; or the partition is gone. */
  appendFailed({ isGone }: { isGone: boolean }): void {
    if (isGone) this.known = null;
    if (this.known !== null && this.takeHeard(this.known)) this.notify();
  }

  /** Calls the listener on each change; returns its removal. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    this.subscribe();
    return () => void this.listeners.delete(listener);
  }

  /** What is known may be wrong now: another history of Redis, or notices were lost. */
  invalidate(): void {
    this.forget();
    this.notify();
  }

  /** Those who wait look again, for a reason that is not in the log. */
  wake(): void {
    this.notify();
  }

  /** The partition is gone, even if Redis still has it for a while; those who wait look again. */
  drop(): void {
    this.state = 'gone';
    this.end();
  }

  /** Ends the subscription; those who wait look again, and are answered from Redis. */
  close(): void {
    if (this.state === 'open') this.state = 'closed';
    this.end();
  }

  private end(): void {
    const { subscription } = this;
    this.subscription = null;
    this.isConfirmed = false;
    subscription?.then((stop) => stop()).catch(() => {});
    this.invalidate();
  }

  /** What this process knows by itself. @returns whether that moves anything */
  private say(said: Pick<WakeUp, 'logEndOffset' | 'logStartOffset' | 'highWatermark'>): boolean {
    this.heard = bothWakeUps(this.heard, { ...said, lastStableOffset: null, leaderEpoch: null });
    return this.known !== null && this.takeHeard(this.known);
  }

  private forget(): void {
    this.generation++;
    this.known = null;
    this.heard = null;
  }

  private take(bounds: PartitionBounds | null, isWholeTruth: boolean): void {
    const { known } = this;
    if (bounds === null) {
      this.known = null;
      if (known !== null) this.notify();
      return;
    }
    this.sizesAtMs = this.knownAtMs = this.options.clock.monotonicMs();
    if (known === null) {
      this.know(bounds);
      this.takeHeard(bounds);
      this.settle();
      return this.notify();
    }
    const lessThanKnown =
      bounds.leaderEpoch !== known.leaderEpoch || bounds.logEndOffset < known.logEndOffset;
    if (isWholeTruth) {
      if (lessThanKnown) this.options.onSetBack();
      this.heard = null;
      this.know(lessThanKnown ? bounds : withConfirmed(bounds, known.highWatermark));
    } else {
      const next = reach(bounds, endsOf(known));
      this.know(next);
      this.takeHeard(next);
    }
    if (isMoved(known, this.known!)) this.notify();
  }

  /** Takes over what was said; true where that has moved something. */
  private takeHeard(known: PartitionBounds): boolean {
    const { heard } = this;
    if (heard === null) return false;
    this.heard = null;
    this.knownAtMs = this.options.clock.monotonicMs();
    const next = reach(known, heard);
    if (next.leaderEpoch !== known.leaderEpoch) this.options.onSetBack();
    this.know(next);
    return isMoved(known, this.known!);
  }

  private know(bounds: PartitionBounds): void {
    const known = (this.known = withConfirmed(bounds, this.confirmedUpTo));
    const { logStartOffset } = known;
    if (logStartOffset > this.toldStart) this.options.onTrimmed(logStartOffset);
    this.toldStart = logStartOffset;
    if (known.highWatermark < known.logEndOffset) this.options.onUnconfirmed?.(known);
  }

  private settle(): void {
    const { logEndOffset, highWatermark } = this.known!;
    if (highWatermark >= logEndOffset || this.options.settle === undefined) return;
    const settling = this.options.settle(logEndOffset).finally(() => {
      if (this.settling === settling) this.settling = null;
    });
    this.settling = settling;
  }

  private hear(message: string): void {
    const said = readWakeUp(message);
    if (said === null) return;
    this.heard = bothWakeUps(this.heard, said);
    // While an own append is out this is most likely its echo, and its answer brings the batches
    // along; what others have said is taken over then, too.
    if (this.options.isAppending()) return;
    if (this.known === null || this.takeHeard(this.known)) this.notify();
  }

  private notify(): void {
    this.changes++;
    for (const listener of this.listeners) listener();
  }

  private subscribe(): void {
    // Nobody would take back the subscription of one that is closed.
    if (this.subscription !== null || this.state !== 'open') return;
    const subscription = this.options.source.subscribe(
      (message) => this.hear(message),
      () => this.lookAgain(),
    );
    this.subscription = subscription;
    void this.confirm(subscription);
  }

  private async confirm(subscription: Promise<() => Promise<void>>): Promise<void> {
    try {
      await subscription;
    } catch {
      // Forbidden, it may be: those who wait find out by asking.
      return;
    }
    if (this.subscription !== subscription) return;
    this.isConfirmed = true;
    this.lookAgain();
  }

  /** For what was published and not heard. */
  private lookAgain(): void {
    this.refresh().catch(() => {});
  }
}

function endsOf(bounds: PartitionBounds) {
  const { logEndOffset, logStartOffset, lastStableOffset, highWatermark, leaderEpoch } = bounds;
  return { logEndOffset, logStartOffset, lastStableOffset, highWatermark, leaderEpoch };
}

/** How far a partition reaches by what was known and what was said. */
function reach(known: PartitionBounds, said: WakeUp): PartitionBounds {
  const { leaderEpoch = null } = said;
  if (leaderEpoch !== null && leaderEpoch < known.leaderEpoch) return known;
  const ends = bothWakeUps(endsOf(known), said);
  const { logEndOffset, highWatermark } = ends;
  // Who does not tell it knows of no transactions.
  const stable = said.lastStableOffset === null ? highWatermark : ends.lastStableOffset!;
  return {
    ...known,
    logEndOffset,
    highWatermark,
    logStartOffset: ends.logStartOffset ?? known.logStartOffset,
    lastStableOffset: Math.min(highWatermark, stable),
    leaderEpoch: ends.leaderEpoch ?? known.leaderEpoch,
  };
}

/** What was confirmed stays so, also where Redis has not been told. */
function withConfirmed(bounds: PartitionBounds, confirmed: number): PartitionBounds {
  const highWatermark = Math.min(bounds.logEndOffset, Math.max(bounds.highWatermark, confirmed));
  if (highWatermark === bounds.highWatermark) return bounds;
  return { ...bounds, highWatermark, lastStableOffset: highWatermark };
}

function isMoved(from: PartitionBounds, to: PartitionBounds): boolean {
  return (
    from.logEndOffset !== to.logEndOffset ||
    from.logStartOffset !== to.logStartOffset ||
    from.lastStableOffset !== to.lastStableOffset ||
    from.highWatermark !== to.highWatermark ||
    from.leaderEpoch !== to.leaderEpoch
  );
}
