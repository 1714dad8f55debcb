import { Periodic, TroubleLog, type Metrics } from '@sluice/base';
import type { Topic } from '@sluice/log';
import { murmur2 } from '@sluice/records';
import type { ProducerSettings, RecordProducer, RecordToSend, SentRecord } from '../api';
import type { ConnectedLog, StreamsConnection } from '../connection/streams-connection';
import { Outstanding } from './outstanding';
import type { LineServices, PartitionLine } from './partition-line';
import { PendingRecord, recordProblem } from './pending-record';
import { producerLimits } from './producer-limits';
import { ProducerMeter } from './producer-metrics';
import { resolveProducerSettings, type ResolvedProducerSettings } from './producer-settings';
import { isSendError, SendError, type SendErrorCode } from './send-error';
import { TopicLines } from './topic-lines';
import { UnplacedRecords } from './unplaced-records';

/**
 * Writes records straight into the log in Redis, in batches and in order, and each once where it is
 * idempotent, whatever becomes of single requests. It may be used before its connection stands.
 */
export class StreamProducer implements RecordProducer {
  readonly #settings: ResolvedProducerSettings;
  /** By the id of the topic, so that one that was made anew begins anew. */
  readonly #lines = new Map<string, TopicLines>();
  /** Of topics that were deleted, until they have come to their end. */
  readonly #leaving = new Set<TopicLines>();
  readonly #unplaced: UnplacedRecords;
  readonly #outstanding = new Outstanding();
  readonly #trouble: TroubleLog;
  readonly #expiry: Periodic;
  readonly #services: LineServices;
  readonly #meter: ProducerMeter;
  readonly #firstSticky: number;
  #log: ConnectedLog | null = null;
  #unlisten: () => void = () => undefined;
  #bufferedBytes = 0;
  #flushes = 0;
  #closing: Promise<void> | null = null;
  /** Takes it from those who are closed with the connection. */
  readonly #letGo: () => void;

  /**
   * @param metrics where its numbers go; left out: with those of the connection
   * @throws RangeError when a setting cannot be meant
   */
  constructor(
    private readonly connection: StreamsConnection,
    settings: ProducerSettings = {},
    metrics: Metrics = connection.ports.metrics,
  ) {
    const { clock, log, random } = connection.ports;
    const { autoCreateTopics: createTopics } = connection.options;
    this.#settings = resolveProducerSettings(settings, { createTopics });
    this.#firstSticky = murmur2(Buffer.from(random.uuid())) >>> 1;
    const { troubleQuietMs: quietMs, expirySweepMs } = producerLimits;
    const message = 'records that nobody waits for were not written';
    this.#trouble = new TroubleLog({ clock, log, message, quietMs });
    this.#expiry = new Periodic({
      clock,
      log,
      name: 'looking for records whose time is over',
      everyMs: Math.min(expirySweepMs, this.#settings.deliveryTimeoutMs),
      run: () => this.#expire(),
    });
    this.#expiry.start();
    this.#meter = new ProducerMeter(metrics, () => this.#bufferedBytes);
    this.#services = {
      settings: this.#settings,
      clock,
      log,
      isHurrying: () => this.#flushes > 0,
      nextProducerId: () => this.#log!.producerIds.next(),
    };
    this.#unplaced = new UnplacedRecords({
      clock,
      createTopics: this.#settings.createTopics,
      connect: () => this.#connect(),
      place: (record, topic) => this.#place(record, topic),
    });
    const stopMsMax = this.#settings.deliveryTimeoutMs + 10 * expirySweepMs;
    this.#letGo = connection.own({ name: 'a producer', stop: () => this.close(), stopMsMax });
  }

  /** Bytes of all records that have no outcome yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  send(record: RecordToSend): Promise<SentRecord> {
    return new Promise((resolve, reject) => this.#accept(record, resolve, reject));
  }

  async sendAll(records: readonly RecordToSend[]): Promise<SentRecord[]> {
    const settled = await Promise.allSettled(records.map((record) => this.send(record)));
    const outcomes = settled.map((one) =>
      one.status === 'fulfilled' ? one.value : (one.reason as SendError),
    );
    const failed = outcomes.filter(isSendError);
    const [first] = failed;
    if (first === undefined) return outcomes as SentRecord[];
    const { code, topic, partition, mayBeWritten } = first;
    const reason = `${failed.length} of ${records.length} records failed, first: ${first.reason}`;
    throw new SendError(code, reason, { topic, partition, mayBeWritten, outcomes, cause: first });
  }

  async flush(): Promise<void> {
    const ended = this.#outstanding.ended();
    this.#flushes++;
    for (const line of this.#allLines()) line.hurry();
    await ended;
    this.#flushes--;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close().finally(this.#letGo);
    return this.#closing;
  }

  async #close(): Promise<void> {
    // No record outlives its time, so this ends.
    await this.flush();
    await this.#expiry.stop();
    this.#unlisten();
    this.#trouble.stop();
    this.#meter.stop();
    this.#lines.clear();
    this.#leaving.clear();
  }

  #accept(
    given: RecordToSend,
    resolve: (sent: SentRecord) => void,
    reject: (error: SendError) => void,
  ): void {
    const refuse = (code: SendErrorCode, reason: string): void => {
      const topic = String(given?.topic);
      this.#meter.failed(topic, code);
      reject(new SendError(code, reason, { topic }));
    };
    if (this.#closing !== null) return refuse('PRODUCER_CLOSED', 'the producer is closed');
    const problem = recordProblem(given);
    if (problem !== null) return refuse('INVALID_RECORD', problem);
    const { clock } = this.connection.ports;
    const { bufferBytesMax, deliveryTimeoutMs } = this.#settings;
    const deadlineMs = clock.monotonicMs() + deliveryTimeoutMs;
    const owner = { resolve, reject, settled: this.#settled };
    const record = new PendingRecord(given, clock.nowMs(), deadlineMs, owner);
    if (this.#bufferedBytes + record.bytes > bufferBytesMax) {
      const waiting = `${this.#bufferedBytes} of ${bufferBytesMax} bytes wait to be written`;
      return refuse('BUFFER_FULL', `it has ${record.bytes} bytes, and ${waiting}`);
    }
    this.#bufferedBytes += record.bytes;
    record.flight = this.#outstanding.begin();
    const topic = this.#log?.catalog.byName(record.topic);
    if (topic === undefined || this.#unplaced.has(record.topic)) this.#unplaced.add(record);
    else this.#place(record, topic);
  }

  readonly #settled = (record: PendingRecord, error: SendError | null): void => {
    this.#bufferedBytes -= record.bytes;
    this.#outstanding.end(record.flight!);
    if (error !== null) this.#meter.failed(record.topic, error.code);
    if (error !== null && this.#settings.acks === 0) this.#trouble.note({ error: error.message });
  };

  #place(record: PendingRecord, topic: Topic): void {
    let lines = this.#lines.get(topic.id);
    if (lines === undefined) {
      const { writers } = this.#log!;
      lines = new TopicLines(topic, {
        services: this.#services,
        numbers: this.#meter.numbersOf(topic.name),
        writerOf: (ref) => writers.of(ref),
        firstSticky: this.#firstSticky,
      });
      this.#lines.set(topic.id, lines);
    }
    lines.add(record);
    if (this.#settings.acks === 0 && !record.isSettled) record.answerAtOnce();
  }

  async #connect(): Promise<ConnectedLog> {
    const log = await this.connection.connect();
    if (this.#log !== null) return log;
    this.#log = log;
    this.#unlisten = log.catalog.on('change', ({ deleted, updated }) => {
      if (updated) this.#lines.get(updated.id)?.follow(updated);
      const lines = deleted && this.#lines.get(deleted.id);
      if (!lines) return;
      this.#lines.delete(deleted.id);
      this.#leaving.add(lines);
      lines.gone();
    });
    return log;
  }

  #expire(): void {
    const nowMs = this.connection.ports.clock.monotonicMs();
    const { deliveryTimeoutMs } = this.#settings;
    const what = this.#log === null ? 'Redis was not there' : 'the topic was not found';
    this.#unplaced.expire(nowMs, `${what} within ${deliveryTimeoutMs} ms`);
    for (const line of this.#allLines()) line.expire(nowMs);
    for (const lines of this.#leaving) if (lines.isIdle) this.#leaving.delete(lines);
  }

  *#allLines(): Iterable<PartitionLine> {
    for (const lines of this.#lines.values()) yield* lines.lines();
    for (const lines of this.#leaving) yield* lines.lines();
  }
}
