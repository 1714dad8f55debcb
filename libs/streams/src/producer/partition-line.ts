import type { Clock, Logger, Timer } from '@sluice/base';
import {
  confirmationFor,
  recordsErrorCode,
  type PartitionRef,
  type PartitionWriter,
  type TopicConfig,
} from '@sluice/log';
import { RecordsError } from '@sluice/records';
import {
  topicDeleted,
  verdictOn,
  verdictOnError,
  type Failure,
  type Verdict,
} from './append-verdict';
import { makeBatch, type Batch, type Sequence } from './batch';
import type { PendingRecord } from './pending-record';
import { producerLimits } from './producer-limits';
import type { ProducedNumbers } from './producer-metrics';
import type { ResolvedProducerSettings } from './producer-settings';
import { codeNamed, type SendErrorCode } from './send-error';

/** What the lines of a producer have in common. */
export interface LineServices {
  settings: ResolvedProducerSettings;
  clock: Clock;
  log: Logger;
  /** Somebody waits for all that there is, so nothing lingers. */
  isHurrying(): boolean;
  /** A producer id that nobody has had. @throws RedisUnavailable | UnknownOutcome */
  nextProducerId(): Promise<number>;
}

/** What one line works with. */
export interface LineOptions {
  ref: PartitionRef;
  services: LineServices;
  writer: Pick<PartitionWriter, 'append'>;
  /** The topic's configs as they are now. */
  config: () => TopicConfig;
  numbers: ProducedNumbers;
  /** Told of each batch that is made. */
  onBatch: (partition: number) => void;
}

const sequencesMax = 2 ** 31;

/**
 * A producer's records for one partition, in order: what has come while a batch is out makes up the
 * next one. One batch is out at a time, so what is sent again can neither overtake nor be
 * overtaken. Each line has a producer id of its own: where the log has forgotten what it wrote, a
 * new id begins anew without a thought for other partitions.
 */
export class PartitionLine {
  #waiting: PendingRecord[] = [];
  #waitingBytes = 0;
  /** Sent, and not known to be written or not. */
  #out: Batch | null = null;
  #isRunning = false;
  #isScheduled = false;
  #linger: Timer | null = null;
  #endPause: (() => void) | null = null;
  /** Failures since something was last written. */
  #failures = 0;
  #lastFailure: { reason: string; cause?: unknown } | null = null;
  #producerId = -1;
  #nextSequence = 0;
  #isGone = false;

  constructor(private readonly options: LineOptions) {}

  get isIdle(): boolean {
    return !this.#isRunning && this.#waiting.length === 0;
  }

  add(record: PendingRecord): void {
    this.#waiting.push(record);
    this.#waitingBytes += record.bytes;
    this.#wake();
  }

  /** Waits for no more company. */
  hurry(): void {
    if (this.#waiting.length > 0) this.#begin();
  }

  /** Fails the records whose time is over. */
  expire(nowMs: number): void {
    const { deliveryTimeoutMs } = this.options.services.settings;
    const why = this.#lastFailure === null ? '' : `; last: ${this.#lastFailure.reason}`;
    const reason = `there was no outcome within ${deliveryTimeoutMs} ms${why}`;
    const cause = this.#lastFailure?.cause;
    const isOver = ({ deadlineMs }: PendingRecord): boolean => deadlineMs <= nowMs;
    for (const record of this.#out?.records.filter(isOver) ?? []) {
      record.fail('DELIVERY_TIMED_OUT', reason, { cause, mayBeWritten: true });
    }
    const first = this.#waiting.findIndex((record) => !isOver(record));
    const over = first < 0 ? this.#waiting.length : first;
    for (const record of this.#remove(over)) record.fail('DELIVERY_TIMED_OUT', reason, { cause });
  }

  /**
   * The topic was deleted, and nothing more is sent to it: until its keys are removed its log would
   * take records that nobody reads. What is out comes to the end that it has.
   */
  gone(): void {
    this.#isGone = true;
    this.#linger?.cancel();
    this.#refuse(this.#remove(this.#waiting.length), topicDeleted);
    this.#endPause?.();
  }

  /** Fails all that there is. */
  end(code: SendErrorCode, reason: string): void {
    this.#linger?.cancel();
    for (const record of this.#out?.records ?? []) {
      record.fail(code, reason, { mayBeWritten: true });
    }
    for (const record of this.#remove(this.#waiting.length)) record.fail(code, reason);
    this.#endPause?.();
  }

  #wake(): void {
    if (this.#isRunning || this.#isScheduled) return;
    const { settings, clock, isHurrying } = this.options.services;
    const { lingerMs, batchBytesMax } = settings;
    const isFull = this.#waitingBytes >= batchBytesMax;
    if (lingerMs === 0 || isFull || isHurrying()) return this.#begin();
    this.#linger ??= clock.setTimer(lingerMs, () => this.#begin());
  }

  /** When whoever sends now has sent all: a tick comes once every settled promise was heard. */
  #begin(): void {
    this.#linger?.cancel();
    this.#linger = null;
    if (this.#isRunning || this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      // What has waited for as long as a batch was out need not linger.
      while (this.#waiting.length > 0) await this.#step();
    } catch (error) {
      const { log } = this.options.services;
      const { stack, message } = error as Error;
      log.error('a batch could not be sent', { error: stack ?? message });
      this.end('UNKNOWN_SERVER_ERROR', message);
    } finally {
      this.#out = null;
      this.#isRunning = false;
    }
    if (this.#waiting.length > 0) this.#wake();
  }

  async #step(): Promise<void> {
    if (!(await this.#hasProducerId())) return;
    const batch = this.#nextBatch();
    if (batch === null) return;
    this.#out = batch;
    await this.#deliver(batch);
    this.#out = null;
  }

  /** False where there is none to be had now; then it has waited. */
  async #hasProducerId(): Promise<boolean> {
    const { settings, nextProducerId } = this.options.services;
    if (!settings.idempotent || this.#producerId >= 0) return true;
    try {
      this.#producerId = await nextProducerId();
      this.#nextSequence = 0;
      return true;
    } catch (error) {
      const failure = verdictOnError(error);
      if (failure.is === 'refused') this.#refuse(this.#remove(this.#waiting.length), failure);
      else await this.#pauseAfter(failure);
      return false;
    }
  }

  #nextBatch(): Batch | null {
    const { ref, services, config, onBatch } = this.options;
    const { clock, settings } = services;
    const { batchBytesMax, compression } = settings;
    if (this.#waiting.length === 0) return null;
    const sequence = this.#sequence();
    const terms = { config: config(), batchBytesMax, compression, clock, sequence };
    try {
      const batch = makeBatch(this.#waiting, terms);
      this.#remove(batch.records.length);
      onBatch(ref.partition);
      return batch;
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error;
      const [record] = this.#remove(1);
      record?.fail(codeNamed(recordsErrorCode(error)), error.message, { cause: error });
      return null;
    }
  }

  #sequence(): Partial<Sequence> {
    if (this.#producerId < 0) return {};
    return {
      producerId: this.#producerId,
      producerEpoch: 0,
      baseSequence: this.#nextSequence,
    };
  }

  /** Sends a batch until it is known to be written or not, or nobody waits for it any more. */
  async #deliver(batch: Batch): Promise<void> {
    for (;;) {
      const verdict = await this.#send(batch);
      if (verdict.is === 'written') return this.#written(batch, verdict);
      if (verdict.is === 'forgotten') return this.#beginAnew(batch);
      if (verdict.is === 'gone') this.#refuse(this.#remove(this.#waiting.length), verdict);
      if (!this.#mayTryAgain(verdict)) {
        // Whether it is there nobody will know; what comes next must not be taken for it.
        if (batch.isInDoubt) this.#producerId = -1;
        return this.#refuse(batch.records, verdict, batch.isInDoubt);
      }
      if (!batch.isInDoubt) {
        this.#putBack(batch);
        return this.#pauseAfter(verdict);
      }
      await this.#pauseAfter(verdict);
      if (batch.records.every(({ isSettled }) => isSettled)) {
        this.#producerId = -1;
        return;
      }
    }
  }

  async #send(batch: Batch): Promise<Verdict> {
    if (this.#isGone) return topicDeleted;
    const verdict = await this.#append(batch);
    batch.isInDoubt ||= verdict.is === 'in-doubt';
    return this.#isGone && verdict.is !== 'written' ? topicDeleted : verdict;
  }

  #append(batch: Batch): Promise<Verdict> {
    const { services, writer, config } = this.options;
    const asked = confirmationFor(config(), services.settings.acks);
    return new Promise((resolve) => {
      writer.append(batch.batch, asked, (outcome, error) => resolve(verdictOn(outcome, error)));
    });
  }

  #mayTryAgain({ is }: Verdict): boolean {
    const { acks, idempotent } = this.options.services.settings;
    if (acks === 0) return false;
    return is === 'not-written' || (is === 'in-doubt' && idempotent);
  }

  #written(
    { batch, records, logAppendTimeMs }: Batch,
    { baseOffset, storedMs }: Verdict & { is: 'written' },
  ): void {
    this.#failures = 0;
    this.#lastFailure = null;
    this.#nextSequence = (this.#nextSequence + records.length) % sequencesMax;
    this.#count(records, batch.bytes.length);
    // What is there already has the time at which it came first.
    const commonMs = logAppendTimeMs === -1 || storedMs === -1 ? logAppendTimeMs : storedMs;
    for (let at = 0; at < records.length; at++) {
      const record = records[at]!;
      const offset = baseOffset < 0 ? -1 : baseOffset + at;
      record.succeed(offset, commonMs === -1 ? record.timestampMs : commonMs);
    }
  }

  #count(records: readonly PendingRecord[], bytes: number): void {
    const { numbers, services } = this.options;
    const sentMs = records[0]!.deadlineMs - services.settings.deliveryTimeoutMs;
    const elapsedMs = services.clock.monotonicMs() - sentMs;
    numbers.written({ records: records.length, bytes, elapsedMs });
  }

  /**
   * What was written before is not in the log as it was: it lost its last writes, or was made anew.
   * Neither is this batch, then, and a new producer may write it.
   */
  #beginAnew(batch: Batch): Promise<void> | void {
    const { ref, services } = this.options;
    const { topic, partition } = ref;
    services.log.warn('the log has forgotten a producer, which goes on with a new id', {
      topic,
      partition,
      producerId: this.#producerId,
    });
    this.#producerId = -1;
    this.#putBack(batch);
    // The first time it is tried at once.
    if (++this.#failures > 1) return this.#pause();
  }

  #refuse(
    records: readonly PendingRecord[],
    { code, reason, cause }: Pick<Failure<string>, 'code' | 'reason' | 'cause'>,
    mayBeWritten = false,
  ): void {
    for (const record of records) record.fail(code, reason, { cause, mayBeWritten });
  }

  #putBack({ records }: Batch): void {
    const back = records.filter(({ isSettled }) => !isSettled);
    this.#waiting = [...back, ...this.#waiting];
    for (const { bytes } of back) this.#waitingBytes += bytes;
    this.#out = null;
  }

  #remove(count: number): PendingRecord[] {
    const removed = this.#waiting.splice(0, count);
    for (const { bytes } of removed) this.#waitingBytes -= bytes;
    return removed;
  }

  #pauseAfter({ reason, cause }: Pick<Failure<string>, 'reason' | 'cause'>): Promise<void> {
    this.#failures++;
    this.options.numbers.retried();
    this.#lastFailure = { reason, cause };
    return this.#pause();
  }

  #pause(): Promise<void> {
    const { retryDelayMsMin, retryDelayMsMax } = producerLimits;
    const doublings = Math.min(this.#failures - 1, 10);
    const delayMs = Math.min(retryDelayMsMin * 2 ** doublings, retryDelayMsMax);
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#endPause = null;
        resolve();
      };
      const timer = this.options.services.clock.setTimer(delayMs, end);
      this.#endPause = end;
    });
  }
}
