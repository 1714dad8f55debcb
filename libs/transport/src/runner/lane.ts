import type { Clock, Timer } from '@sluice/base';
import type { ConsumedRecord } from '@sluice/streams';

/** How the records of a lane are worked on. */
export interface LaneOptions {
  clock: Clock;
  /** Calls of `work` that may be under way at once: 1 keeps the order. */
  workers: number;
  /** Records that one call of `work` gets at the most. */
  batchSize: number;
  /** How long fewer than that wait for more. */
  batchWaitMs: number;
  /** Must not reject. */
  work: (records: ConsumedRecord[]) => Promise<void>;
}

/** Records that wait for their turn. Their number is bounded by what the consumer hands over. */
export class Lane {
  #waiting: ConsumedRecord[] = [];
  #running = 0;
  /** What is there is the last of it. */
  #isEnding = false;
  #batchTimer: Timer | null = null;
  #isBatchDue = false;

  constructor(private readonly options: LaneOptions) {}

  push(record: ConsumedRecord): void {
    this.#waiting.push(record);
  }

  /** Begins what may begin. To be called after pushes. */
  pump(): void {
    const { workers, batchSize, work } = this.options;
    while (this.#running < workers && this.#isReady()) {
      this.#isBatchDue = false;
      // One record at a time is the usual case, and shift is the cheaper way to take one.
      const records =
        batchSize === 1 ? [this.#waiting.shift()!] : this.#waiting.splice(0, batchSize);
      this.#running++;
      void work(records).then(this.#next);
    }
  }

  /** Nothing is waiting and nothing is worked on. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  /**
   * Gives back what waits and lies behind that offset. Nothing more will be pushed, so batches do
   * not wait for it. `pump` begins what is left.
   */
  end(behind: number): ConsumedRecord[] {
    this.#isEnding = true;
    this.#batchTimer?.cancel();
    this.#batchTimer = null;
    const givenBack = this.#waiting.filter(({ offset }) => offset > behind);
    this.#waiting = this.#waiting.filter(({ offset }) => offset <= behind);
    return givenBack;
  }

  readonly #next = (): void => {
    this.#running--;
    this.pump();
  };

  #isReady(): boolean {
    const { batchSize, batchWaitMs, clock } = this.options;
    if (this.#waiting.length === 0) return false;
    if (batchWaitMs === 0 || this.#waiting.length >= batchSize) return true;
    if (this.#isBatchDue || this.#isEnding) return true;
    this.#batchTimer ??= clock.setTimer(batchWaitMs, () => {
      this.#batchTimer = null;
      this.#isBatchDue = true;
      this.pump();
    });
    return false;
  }
}

/** 32-bit FNV-1a. Not murmur2, by which the keys of one partition are alike already. */
export function laneOfKey(key: Uint8Array, lanes: number): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % lanes;
}
