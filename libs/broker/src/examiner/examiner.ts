import {
  silentMetrics,
  type Clock,
  type HistogramCell,
  type Logger,
  type MemoryUse,
  type Metrics,
} from '@sluice/base';
import {
  batchHeaderBytes,
  compressionOf,
  examineRecords,
  RecordsError,
  type BatchHeader,
  type ExamineRules,
  type Findings,
} from '@sluice/records';
import { limits } from '../limits';
import { brokerMetrics } from '../metrics';
import { NotExamined, type Examination } from './examination';
import { ExaminingThread } from './examining-thread';

/** What an examiner needs. */
export interface ExaminerServices {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics;
}

/**
 * Examines the records of batches that producers sent: small ones at once, where that takes less
 * time than to have it done elsewhere; large ones on threads, so that nobody else waits for it.
 */
export class Examiner {
  private readonly threads = new Set<ExaminingThread>();
  private waiting: Examination[] = [];
  private stopped = false;
  private repackedBytes = 0;
  /** Until when batches are opened in this turn of the event loop; null before the first one. */
  private turnEndMs: number | null = null;

  /** Batches that were compressed anew and are not appended yet. */
  readonly repacked: MemoryUse;
  private readonly metrics: Metrics;
  private readonly onLoop: HistogramCell;
  private readonly onThread: HistogramCell;
  private readonly unobserve: readonly (() => void)[];

  constructor(private readonly services: ExaminerServices) {
    const { metrics = silentMetrics } = services;
    const seconds = metrics.histogram(brokerMetrics.examined);
    this.metrics = metrics;
    const repackedBytes = (): number => this.repackedBytes;
    this.repacked = {
      get bytesUsed() {
        return repackedBytes();
      },
      bytesMax: limits.repackedBytesMax,
    };
    this.onLoop = seconds.with({ where: 'loop' });
    this.onThread = seconds.with({ where: 'thread' });
    metrics.counter(brokerMetrics.examineFailures);
    this.unobserve = [
      metrics.observe(brokerMetrics.examineQueue, (tell) => tell(this.waiting.length)),
      metrics.observe(brokerMetrics.examineThreads, (tell) => tell(this.threads.size)),
    ];
  }

  /** Threads that there are now; none until the first large batch comes. */
  get threadCount(): number {
    return this.threads.size;
  }

  /** Whether a thread has a batch. */
  get busy(): boolean {
    return [...this.threads].some((thread) => thread.busy);
  }

  /**
   * Examines one batch, whose header was checked. What is compressed is not opened after `untilMs`
   * on the monotonic clock. Where a promise is returned, the batch must stay as it is until that is
   * settled. What is found is to be handed to `letGo` once it is not needed any more.
   * @throws RecordsError, or rejects with it, as `examineRecords` does; NotExamined when it cannot
   * be done now.
   */
  examine(
    batch: Buffer,
    header: BatchHeader,
    rules: ExamineRules,
    untilMs: number,
  ): Findings | Promise<Findings> {
    const plain = compressionOf(header.attributes) === 'none';
    if (plain && rules.compression === null) {
      return examineRecords(batch, batchHeaderBytes, header, rules);
    }
    const nowMs = this.services.clock.monotonicMs();
    if (nowMs > untilMs) throw new NotExamined('it takes too long');
    const isSmall = batch.length <= limits.examineAtOnceBytesMax;
    if (isSmall && this.mayGoFirst(rules) && this.hasTime(nowMs)) {
      const findings = examineSmall(batch, header, rules);
      if (findings !== null) {
        this.onLoop.observe(this.secondsSince(nowMs));
        return this.keep(findings);
      }
    }
    if (this.stopped) throw new NotExamined('the gateway stops');
    return new Promise((resolve, reject) => {
      const found = (findings: Findings) => {
        this.onThread.observe(this.secondsSince(nowMs));
        resolve(this.keep(findings));
      };
      this.waiting.push({ batch, header, rules, untilMs, resolve: found, reject });
      this.beginNext();
    });
  }

  /** The memory of what was found is free; others may be waiting for it. */
  letGo({ repacked }: Findings): void {
    if (repacked === null) return;
    this.repackedBytes -= repacked.length;
    this.beginNext();
  }

  /** Ends the threads; what they have not done is rejected with NotExamined. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const stop of this.unobserve) stop();
    const why = 'the gateway stops';
    for (const { reject } of this.waiting.splice(0)) reject(new NotExamined(why));
    await Promise.all([...this.threads].map((thread) => thread.stop(why)));
    this.threads.clear();
  }

  private secondsSince(ms: number): number {
    return (this.services.clock.monotonicMs() - ms) / 1000;
  }

  private keep(findings: Findings): Findings {
    this.repackedBytes += findings.repacked?.length ?? 0;
    return findings;
  }

  /**
   * Who is to be compressed anew takes no room before those who wait for it: it may stand behind
   * one of them in its line of appends, and neither would ever go on.
   */
  private mayGoFirst({ compression }: ExamineRules): boolean {
    return compression === null || (this.waiting.length === 0 && this.hasRoom);
  }

  /** Whether others have not waited for this turn of the event loop too long. */
  private hasTime(nowMs: number): boolean {
    if (this.turnEndMs === null) {
      this.turnEndMs = nowMs + limits.examineAtOnceMsMax;
      setImmediate(() => (this.turnEndMs = null));
    }
    return nowMs < this.turnEndMs;
  }

  private get hasRoom(): boolean {
    return this.repackedBytes < limits.repackedBytesMax;
  }

  private beginNext(): void {
    while (this.waiting.length > 0 && this.hasRoom) {
      const thread = this.idleThread();
      if (thread === null) return;
      const next = this.waiting.shift()!;
      if (this.services.clock.monotonicMs() <= next.untilMs) thread.begin(next);
      else next.reject(new NotExamined('others took too long'));
    }
  }

  private idleThread(): ExaminingThread | null {
    for (const thread of this.threads) if (!thread.busy) return thread;
    if (this.threads.size >= limits.examineThreadsMax) return null;
    const thread = new ExaminingThread(this.services.clock, {
      onIdle: () => this.beginNext(),
      onDead: (dead, why) => this.replace(dead, why),
    });
    this.threads.add(thread);
    return thread;
  }

  /** The next batch that needs it starts another. */
  private replace(dead: ExaminingThread, why: string): void {
    this.threads.delete(dead);
    this.metrics.counter(brokerMetrics.examineFailures).add(1);
    this.services.log.error('a thread that examines batches is gone', { error: why });
    this.beginNext();
  }
}

/** Examines a batch here, unless its records turn out to be many: then null. */
function examineSmall(batch: Buffer, header: BatchHeader, rules: ExamineRules): Findings | null {
  const decompressedBytesMax = Math.min(
    rules.decompressedBytesMax,
    limits.examineAtOnceDecompressedBytesMax,
  );
  try {
    return examineRecords(batch, batchHeaderBytes, header, { ...rules, decompressedBytesMax });
  } catch (error) {
    const tooLarge = error instanceof RecordsError && error.code === 'too-large';
    if (tooLarge && decompressedBytesMax < rules.decompressedBytesMax) return null;
    throw error;
  }
}
