import type { Clock, Timer } from '@sluice/base';
import type { OwnedPartition, RecordSink, SeekTarget } from '@sluice/streams';
import type { MemoryLog } from './memory-log';

/**
 * How far a group has come in a partition: as on Redis one offset, so that what was done behind the
 * first record that is not done comes again to the next owner.
 */
export interface Progress {
  /** The first offset that is not done. */
  done: number;
  /** The first offset that nobody was given. */
  given: number;
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
  /** What this member has let go: handed over first. */
  #again: number[] = [];
  /** Acknowledged, behind something that is not; only this member knows. */
  readonly #doneBehind = new Set<number>();
  /** The first offset that this member was not given. */
  #next: number;
  /** What lies before it may have been given to somebody before. */
  readonly #givenBefore: number;
  #isPaused = false;
  #isPumpDue = false;
  #lossTimer: Timer | null = null;
  #isFree = false;

  constructor(private readonly options: MemoryPartitionOptions) {
    this.#next = options.progress.done;
    this.#givenBefore = options.progress.given;
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
    this.#done(offset);
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
    return log.endOf(topic, partition) - progress.done;
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
    this.#next = log.offsetAt(topic, partition, target);
    progress.done = this.#next;
    progress.given = this.#next;
    this.#doneBehind.clear();
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
      const offset = again ?? this.#next;
      const stored = log.read(topic, partition, offset);
      if (stored === undefined) break;
      if (again === undefined) this.#next++;
      progress.given = Math.max(progress.given, this.#next);
      if (this.options.atMostOnce) this.#done(offset);
      this.#inFlight.set(offset, clock.monotonicMs());
      const mayBeRepeated = again !== undefined || offset < this.#givenBefore;
      records.push({ ...stored, mayBeRepeated });
    }
    if (records.length > 0) sink.take(this, records);
  }

  #done(offset: number): void {
    const { progress } = this.options;
    // What was in flight at a seek is nobody's progress.
    if (offset < progress.done) return;
    this.#doneBehind.add(offset);
    while (this.#doneBehind.delete(progress.done)) progress.done++;
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
