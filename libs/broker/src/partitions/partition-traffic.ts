import type { Clock } from '@sluice/base';
import { limits } from '../limits';
import type { ReadSource, TopicMeter } from './traffic-meter';

/** How much goes through something in a second. */
export interface Rate {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** What went in and out through this gateway lately. */
export interface PartitionRates {
  readonly produced: Rate;
  readonly consumed: Rate;
}

const none: Rate = { recordsPerSecond: 0, bytesPerSecond: 0 };

/** Of what nobody has used lately. */
export const noRates: PartitionRates = { produced: none, consumed: none };

/** What went through two views of the same partition. */
export function addRates(one: PartitionRates, other: PartitionRates): PartitionRates {
  return {
    produced: addRate(one.produced, other.produced),
    consumed: addRate(one.consumed, other.consumed),
  };
}

function addRate(one: Rate, other: Rate): Rate {
  return {
    recordsPerSecond: one.recordsPerSecond + other.recordsPerSecond,
    bytesPerSecond: one.bytesPerSecond + other.bytesPerSecond,
  };
}

/**
 * A rate over the last `rateWindowMs`. Counted are this window and the one before, of which the
 * part is taken that lies within reach: two numbers each in place of a list of moments.
 */
class SlidingRate {
  #startMs: number;
  #records = 0;
  #bytes = 0;
  #recordsBefore = 0;
  #bytesBefore = 0;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }

  add(nowMs: number, records: number, bytes: number): void {
    this.#moveTo(nowMs);
    this.#records += records;
    this.#bytes += bytes;
  }

  at(nowMs: number): Rate {
    this.#moveTo(nowMs);
    const { rateWindowMs } = limits;
    const shareBefore = 1 - (nowMs - this.#startMs) / rateWindowMs;
    const perSecond = (before: number, now: number) =>
      ((before * shareBefore + now) * 1_000) / rateWindowMs;
    return {
      recordsPerSecond: perSecond(this.#recordsBefore, this.#records),
      bytesPerSecond: perSecond(this.#bytesBefore, this.#bytes),
    };
  }

  #moveTo(nowMs: number): void {
    const { rateWindowMs } = limits;
    const windows = Math.floor((nowMs - this.#startMs) / rateWindowMs);
    if (windows < 1) return;
    this.#recordsBefore = windows === 1 ? this.#records : 0;
    this.#bytesBefore = windows === 1 ? this.#bytes : 0;
    this.#records = 0;
    this.#bytes = 0;
    this.#startMs += windows * rateWindowMs;
  }
}

/** Counts what goes into one partition and comes out of it, for its topic and for its rates. */
export class PartitionTraffic {
  readonly #produced: SlidingRate;
  readonly #consumed: SlidingRate;

  constructor(
    private readonly topic: TopicMeter,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    const nowMs = clock.monotonicMs();
    this.#produced = new SlidingRate(nowMs);
    this.#consumed = new SlidingRate(nowMs);
  }

  get rates(): PartitionRates {
    const nowMs = this.clock.monotonicMs();
    return { produced: this.#produced.at(nowMs), consumed: this.#consumed.at(nowMs) };
  }

  /** Batches were appended. */
  appended(batches: number, records: number, bytes: number): void {
    this.topic.appended(batches, records, bytes);
    this.#produced.add(this.clock.monotonicMs(), records, bytes);
  }

  /** Batches were read for a consumer. */
  read(source: ReadSource, batches: number, records: number, bytes: number): void {
    this.topic.read(source, batches, records, bytes);
    this.#consumed.add(this.clock.monotonicMs(), records, bytes);
  }
}
