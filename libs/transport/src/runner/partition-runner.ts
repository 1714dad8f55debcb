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
  /** Deals with records of a lane to their end. Must not reject. */
  handle: (runner: PartitionRunner, records: ConsumedRecord[]) => Promise<void>;
}

/**
 * Puts the records of one owned partition into lanes, until the partition is to be let go: then
 * what has not begun is released, what waits for another attempt is woken up, and what runs goes
 * on. Once the partition is lost, nothing that happens here is told to anybody.
 */
export class PartitionRunner {
  readonly partition: OwnedPartition;
  readonly plan: TopicPlan;
  readonly #lanes: Lane[];
  readonly #byKey: boolean;
  /** Waits for a time; called with whether it has come. */
  readonly #waits = new Map<(isOver: boolean) => void, Timer>();
  /** What is to be told that work under way is in vain. */
  readonly #givingUp = new Set<() => void>();

  constructor(private readonly options: PartitionRunnerOptions) {
    const { clock, partition, plan } = options;
    this.partition = partition;
    this.plan = plan;
    const { concurrency, orderedBy, batchSize, batchWaitMs } = plan.lanes;
    this.#byKey = orderedBy === 'key' && concurrency > 1;
    const work = (records: ConsumedRecord[]) => options.handle(this, records);
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

  /** Nothing new is begun. */
  get isStopping(): boolean {
    return this.partition.stopping.aborted || this.isLost;
  }

  take(records: readonly ConsumedRecord[]): void {
    if (this.isStopping) return this.release(records);
    for (const record of records) {
      const waitMs = this.options.waitMsOf(record);
      if (waitMs > 0) this.#takeLater(record, waitMs);
      else this.#laneOf(record).push(record);
    }
    for (const lane of this.#lanes) lane.pump();
  }

  /** Resolves to true when the time is over; to false, at once, when nothing new is to begin. */
  wait(delayMs: number): Promise<boolean> {
    if (this.isStopping) return Promise.resolve(false);
    return new Promise((resolve) => this.#whenOver(delayMs, resolve));
  }

  acknowledge(records: readonly ConsumedRecord[]): void {
    if (this.isLost) return;
    for (const { offset } of records) this.partition.acknowledge(offset);
  }

  release(records: readonly ConsumedRecord[]): void {
    if (this.isLost) return;
    for (const { offset } of records) this.partition.release(offset);
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

  #takeLater(record: ConsumedRecord, waitMs: number): void {
    this.#whenOver(waitMs, (isOver) => {
      if (!isOver) return this.release([record]);
      const lane = this.#laneOf(record);
      lane.push(record);
      lane.pump();
    });
  }

  #whenOver(delayMs: number, done: (isOver: boolean) => void): void {
    const timer = this.options.clock.setTimer(delayMs, () => {
      this.#waits.delete(done);
      done(true);
    });
    this.#waits.set(done, timer);
  }

  #stop(): void {
    for (const lane of this.#lanes) this.release(lane.stop());
    const waits = [...this.#waits];
    this.#waits.clear();
    for (const [done, timer] of waits) {
      timer.cancel();
      done(false);
    }
  }

  #lose(): void {
    this.#stop();
    const givingUp = [...this.#givingUp];
    this.#givingUp.clear();
    for (const giveUp of givingUp) giveUp();
  }
}
