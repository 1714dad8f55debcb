import type { Clock, Timer } from '@sluice/base';
import type { ConsumedRecord, OwnedPartition } from '@sluice/streams';
import type { TopicPlan } from '../handlers/routes';
import { Lane, laneOfKey } from './lane';

/** What a runner needs to know of its partition's records, and what it does with them. */
export interface PartitionRunnerOptions {
  clock: Clock;
  partition: OwnedPartition;
  plan: TopicPlan;
  /** Milliseconds that a record has to wait yet before it is anybody's turn. */
  waitMsOf: (record: ConsumedRecord) => number;
  /** How long the partition waits for what is in flight when it is to be let go. */
  drainMs: number;
  /** Records were acknowledged before they came: what is not handled here is lost. */
  isAtMostOnce: boolean;
  /** Deals with records of a lane to their end. Must not reject. */
  handle: (runner: PartitionRunner, records: ConsumedRecord[]) => Promise<void>;
}

/** Records that wait for a time, begun already or not. */
interface Waiting {
  readonly records: readonly ConsumedRecord[];
  readonly dueMs: number;
  readonly timer: Timer;
  /** Called with whether the time has come. */
  readonly done: (isOver: boolean) => void;
}

/**
 * Puts the records of one owned partition into lanes, until the partition is to be let go. What a
 * group has done is one offset for each partition: whoever comes next begins with the first record
 * that is not done, and repeats what was done behind it. So what lies before the last record that
 * has begun still gets its turn then, within the time that there is; what lies behind it is
 * released, and so is everything behind a record that has to be released. Once the partition is
 * lost, nothing that happens here is told to anybody.
 */
export class PartitionRunner {
  readonly partition: OwnedPartition;
  readonly plan: TopicPlan;
  readonly #lanes: Lane[];
  readonly #byKey: boolean;
  readonly #waits = new Set<Waiting>();
  /** What is to be told that work under way is in vain. */
  readonly #givingUp = new Set<() => void>();
  /** The last record that has begun. */
  #begunMax = -1;
  /** What lies behind this offset is not begun any more. */
  #lastOffset = Infinity;
  /** When the time for what still runs is over, on the monotonic clock. */
  #drainedMs = Infinity;

  constructor(private readonly options: PartitionRunnerOptions) {
    const { clock, partition, plan } = options;
    this.partition = partition;
    this.plan = plan;
    const { concurrency, orderedBy, batchSize, batchWaitMs } = plan.lanes;
    this.#byKey = orderedBy === 'key' && concurrency > 1;
    const work = (records: ConsumedRecord[]) => this.#begin(records);
    const workers = this.#byKey ? 1 : concurrency;
    this.#lanes = Array.from(
      { length: this.#byKey ? concurrency : 1 },
      () => new Lane({ clock, workers, batchSize, batchWaitMs, work }),
    );
    const stop = () => this.#stop();
    partition.stopping.addEventListener('abort', stop, { once: true });
    partition.lost.addEventListener('abort', () => this.#lose(), { once: true });
    if (this.isStopping) stop();
  }

  get isLost(): boolean {
    return this.partition.lost.aborted;
  }

  /** It is being let go. */
  get isStopping(): boolean {
    return this.partition.stopping.aborted || this.isLost;
  }

  take(records: readonly ConsumedRecord[]): void {
    const { isAtMostOnce, waitMsOf } = this.options;
    if (this.isLost) return;
    if (this.isStopping && !isAtMostOnce) return this.release(records);
    const [first] = records;
    // After a seek back, what was done behind it is to be done again anyway.
    if (first !== undefined && first.offset <= this.#begunMax && this.#isIdle()) {
      this.#begunMax = -1;
    }
    for (const record of records) {
      const waitMs = waitMsOf(record);
      if (waitMs > 0) this.#takeLater(record, waitMs);
      else this.#laneOf(record).push(record);
    }
    for (const lane of this.#lanes) lane.pump();
  }

  /** Whether a record that was taken may begin: not when one before it had to be released. */
  mayBegin({ offset }: ConsumedRecord): boolean {
    return !this.isLost && offset <= this.#lastOffset;
  }

  /**
   * Resolves to true when records that have begun may go on, after the delay; to false when they
   * are to be released: as soon as nobody gains by their being waited for.
   */
  wait(records: readonly ConsumedRecord[], delayMs: number): Promise<boolean> {
    return new Promise((resolve) => this.#whenOver(records, delayMs, resolve));
  }

  acknowledge(records: readonly ConsumedRecord[]): void {
    if (this.isLost) return;
    for (const { offset } of records) this.partition.acknowledge(offset);
  }

  release(records: readonly ConsumedRecord[]): void {
    if (this.isLost) return;
    for (const { offset } of records) this.partition.release(offset);
    const [first] = records;
    if (first === undefined || !this.isStopping || this.options.isAtMostOnce) return;
    this.#endBehind(first.offset);
  }

  /**
   * Calls it when the partition is lost; at once where it is already.
   *
   * @returns how to take it back
   */
  whenLost(giveUp: () => void): () => void {
    if (this.isLost) giveUp();
    else this.#givingUp.add(giveUp);
    return () => void this.#givingUp.delete(giveUp);
  }

  #laneOf(record: ConsumedRecord): Lane {
    if (!this.#byKey) return this.#lanes[0]!;
    const { length } = this.#lanes;
    const { key, offset } = record;
    return this.#lanes[key === null ? offset % length : laneOfKey(key, length)]!;
  }

  #begin(records: ConsumedRecord[]): Promise<void> {
    this.#begunMax = Math.max(this.#begunMax, records.at(-1)!.offset);
    return this.options.handle(this, records);
  }

  #takeLater(record: ConsumedRecord, waitMs: number): void {
    this.#whenOver([record], waitMs, (isOver) => {
      if (!isOver) return this.release([record]);
      const lane = this.#laneOf(record);
      lane.push(record);
      lane.pump();
    });
  }

  #whenOver(
    records: readonly ConsumedRecord[],
    delayMs: number,
    done: (isOver: boolean) => void,
  ): void {
    const { clock } = this.options;
    const timer = clock.setTimer(delayMs, () => {
      this.#waits.delete(waiting);
      done(true);
    });
    const waiting = { records, dueMs: clock.monotonicMs() + delayMs, timer, done };
    this.#waits.add(waiting);
    if (this.isStopping) this.#endInVain();
  }

  #stop(): void {
    const { clock, drainMs, isAtMostOnce } = this.options;
    this.#drainedMs = clock.monotonicMs() + drainMs;
    this.#endBehind(isAtMostOnce ? Infinity : this.#begunMax);
  }

  /** Releases what has not begun and lies behind that offset; the rest goes on. */
  #endBehind(offset: number): void {
    this.#lastOffset = Math.min(this.#lastOffset, offset);
    for (const lane of this.#lanes) {
      const givenBack = lane.end(this.#lastOffset);
      if (!this.isLost) for (const record of givenBack) this.partition.release(record.offset);
    }
    this.#endInVain();
    for (const lane of this.#lanes) lane.pump();
  }

  /** Wakes up what waits in vain: behind it nothing is done, or its time comes too late. */
  #endInVain(): void {
    for (const waiting of this.#waits) {
      const isLate = this.isLost || waiting.dueMs >= this.#drainedMs;
      if (!isLate && waiting.records.at(-1)!.offset < this.#lastOffset) continue;
      this.#waits.delete(waiting);
      waiting.timer.cancel();
      waiting.done(false);
    }
  }

  #isIdle(): boolean {
    return this.#waits.size === 0 && this.#lanes.every((lane) => lane.isIdle);
  }

  #lose(): void {
    this.#endBehind(-1);
    const givingUp = [...this.#givingUp];
    this.#givingUp.clear();
    for (const giveUp of givingUp) giveUp();
  }
}
