import type { Clock, Timer } from '@sluice/base';
import type { OwnedPartition, RecordSink, SeekTarget } from '@sluice/streams';
import type { MemoryLog } from './memory-log';

/** How far a group has come in a partition. */
export interface Progress {
  /** The first offset that nobody was given. */
  next: number;
  /** What was given to somebody and not acknowledged. */
  pending: Set<number>;
}

/** What a partition in a member's hands is made of. */
export interface MemoryPartitionOptions {
  clock: Clock;
  log: MemoryLog;
  sink: RecordSink;
  topic: string;
  partition: number;
  group: string;
  memberId: string;
  progress: Progress;
  recordsMax: number;
  atMostOnce: boolean;
  /** It was let go: nothing of it is in flight here any more. */
  onFree: () => void;
}

/** A partition while one member of a group in memory owns it. */
export class MemoryPartition implements OwnedPartition {
  readonly #stopping = new AbortController();
  readonly #lost = new AbortController();
  /** When each record that is in flight was handed over. */
  readonly #inFlight = new Map<number, number>();
  /** What a member before this one, or this one, has let go: handed over first. */
  #again: number[];
  #isPaused = false;
  #isPumpDue = false;
  #lossTimer: Timer | null = null;
  #isFree = false;

  constructor(private readonly options: MemoryPartitionOptions) {
    this.#again = [...options.progress.pending].sort((one, other) => one - other);
  }

  get topic(): string {
    return this.options.topic;
  }

  /** A topic in memory is never deleted, so its name tells it apart. */
  get topicId(): string {
    return this.options.topic;
  }

  get partition(): number {
    return this.options.partition;
  }

  get group(): string {
    return this.options.group;
  }

  get memberId(): string {
    return this.options.memberId;
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  acknowledge(offset: number): void {
    if (this.#lost.signal.aborted || !this.#inFlight.delete(offset)) return;
    this.options.progress.pending.delete(offset);
    this.#moved();
  }

  release(offset: number): void {
    if (this.#lost.signal.aborted || !this.#inFlight.delete(offset)) return;
    if (!this.options.atMostOnce) this.#again.push(offset);
    this.#again.sort((one, other) => one - other);
    this.#moved();
  }

  lag(): number {
    const { log, partition, progress, topic } = this.options;
    return log.endOf(topic, partition) - progress.next + progress.pending.size;
  }

  health() {
    const { clock, partition, topic } = this.options;
    const [oldestMs] = this.#inFlight.values();
    return {
      topic,
      partition,
      lag: this.lag(),
      paused: this.#isPaused,
      inFlight: this.#inFlight.size,
      oldestInFlightMs: oldestMs === undefined ? 0 : clock.monotonicMs() - oldestMs,
    };
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.pumpSoon();
  }

  seek(target: SeekTarget): void {
    const { log, partition, progress, topic } = this.options;
    progress.next = log.offsetAt(topic, partition, target);
    progress.pending.clear();
    this.#again = [];
    this.pumpSoon();
  }

  /** Nothing new is begun; what is not done within the time is taken away. */
  letGo(drainMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    if (this.#inFlight.size === 0) return this.#free();
    this.#lossTimer = this.options.clock.setTimer(drainMs, () => this.lose());
  }

  /** As when a session is over: it belongs to another at once, whatever runs here. */
  lose(): void {
    this.#stopping.abort();
    this.#lost.abort();
    this.#free();
  }

  /** Hands over what there is, after what runs now. */
  pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { clock, log, partition, progress, recordsMax, sink, topic } = this.options;
    if (this.#stopping.signal.aborted || this.#isPaused) return;
    const records = [];
    while (this.#inFlight.size < recordsMax) {
      const again = this.#again.shift();
      const offset = again ?? progress.next;
      const stored = log.read(topic, partition, offset);
      if (stored === undefined) break;
      if (again === undefined) progress.next++;
      if (!this.options.atMostOnce) progress.pending.add(offset);
      this.#inFlight.set(offset, clock.monotonicMs());
      records.push({ ...stored, mayBeRepeated: again !== undefined });
    }
    if (records.length > 0) sink.take(this, records);
  }

  #moved(): void {
    if (this.#stopping.signal.aborted && this.#inFlight.size === 0) this.#free();
    else this.pumpSoon();
  }

  #free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    this.#lossTimer?.cancel();
    this.options.onFree();
  }
}
