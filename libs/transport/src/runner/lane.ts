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
  #isStopped = false;
  #batchTimer: Timer | null = null;
  #isBatchDue = false;

  constructor(private readonly options: LaneOptions) {}

  push(record: ConsumedRecord): void {
    this.#waiting.push(record);
  }

  /** Begins what may begin. To be called after pushes. */
  pump(): void {
    const { workers, batchSize, work } = this.options;
    while (!this.#isStopped && this.#running < workers && this.#isReady()) {
      this.#isBatchDue = false;
      // One record at a time is the usual case, and shift is the cheaper way to take one.
      const records =
        batchSize === 1 ? [this.#waiting.shift()!] : this.#waiting.splice(0, batchSize);
      this.#running++;
      void work(records).then(this.#next);
    }
  }

  /** Begins nothing more; returns what has not begun. */
  stop(): ConsumedRecord[] {
    this.#isStopped = true;
    this.#batchTimer?.cancel();
    this.#batchTimer = null;
    return this.#waiting.splice(0);
  }

  readonly #next = (): void => {
    this.#running--;
    this.pump();
  };

  #isReady(): boolean {
    const { batchSize, batchWaitMs, clock } = this.options;
    if (this.#waiting.length === 0) return false;
    if (batchWaitMs === 0 || this.#waiting.length >= batchSize || this.#isBatchDue) return true;
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
