import { systemClock, type Clock } from '@sluice/base';
import type {
  ConsumedRecord,
  ConsumerSettings,
  RecordConsumer,
  RecordProducer,
  RecordSink,
  RecordToSend,
  SentRecord,
} from '@sluice/streams';
import type { ReplyFrame, ReplyInbox, StreamsDriver } from '../driver';
import { MemoryConsumer } from './memory-consumer';
import { MemoryGroup } from './memory-group';
import { MemoryLog } from './memory-log';

/** How streams in memory are to be. */
export interface MemoryStreamsOptions {
  /** Partitions of topics that come by being used. Default: 3. */
  partitions?: number;
  clock?: Clock;
}

/** What a test may say of a record that it writes, beside its topic and its value. */
export type TestRecord = Omit<RecordToSend, 'headers' | 'topic' | 'value'> & {
  headers?: Readonly<Record<string, string>>;
};

const pollMs = 5;
const defaultSettleMs = 5_000;

/**
 * Streams without Redis, for specs: topics, groups and answers that live in the process. Server and
 * client run on it as they do on Redis.
 */
export class MemoryStreams implements StreamsDriver {
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #inboxes = new Map<string, (frame: ReplyFrame) => void>();
  #ids = 0;

  constructor(options: MemoryStreamsOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#log = new MemoryLog(this.#clock, options.partitions ?? 3);
    this.#log.onChange(() => {
      for (const group of this.#groups.values()) group.assign();
    });
  }

  createConsumer(settings: ConsumerSettings, sink: RecordSink): RecordConsumer {
    const memberId = `member-${++this.#ids}`;
    const group = this.#group(settings.group);
    return new MemoryConsumer({
      clock: this.#clock,
      log: this.#log,
      group,
      memberId,
      settings,
      sink,
    });
  }

  createProducer(): RecordProducer {
    return {
      send: async (record) => this.#log.append(record),
      sendAll: async (records) => records.map((record) => this.#log.append(record)),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }

  sendReply(address: string, frame: ReplyFrame): Promise<void> {
    const onFrame = this.#inboxes.get(address);
    queueMicrotask(() => onFrame?.(frame));
    return Promise.resolve();
  }

  openInbox(onFrame: (frame: ReplyFrame) => void): Promise<ReplyInbox> {
    const address = `inbox-${++this.#ids}`;
    this.#inboxes.set(address, onFrame);
    const close = async () => void this.#inboxes.delete(address);
    return Promise.resolve({ address, close });
  }

  close(): Promise<void> {
    this.#inboxes.clear();
    return Promise.resolve();
  }

  /** Makes a topic; one that is used without is made with the default number of partitions. */
  createTopic(topic: string, partitions?: number): void {
    this.#log.createTopic(topic, partitions);
  }

  partitionsOf(topic: string): Promise<number> {
    return Promise.resolve(this.#log.partitionCount(topic));
  }

  /** Writes a record as a producer would. */
  write(topic: string, value: unknown, record: TestRecord = {}): SentRecord {
    const isRaw = value === null || typeof value === 'string' || Buffer.isBuffer(value);
    const headers = Object.entries(record.headers ?? {}).map(([key, text]) => ({
      key,
      value: Buffer.from(text),
    }));
    return this.#log.append({
      ...record,
      topic,
      value: isRaw ? value : JSON.stringify(value),
      headers,
    });
  }

  /**
   * Takes the partitions of a group away from their owners, as if these had been silent for too
   * long, and gives them out again.
   */
  expireMembers(group: string): void {
    this.#group(group).expire();
  }

  /** All records of a topic, partition after partition. */
  recordsOf(topic: string): Omit<ConsumedRecord, 'mayBeRepeated'>[] {
    return this.#log.recordsOf(topic);
  }

  /** The values of a topic's records, read as JSON. */
  valuesOf(topic: string): unknown[] {
    return this.recordsOf(topic).map(({ value }) =>
      value === null ? null : (JSON.parse(value.toString()) as unknown),
    );
  }

  /**
   * Resolves when every group has dealt with every record of the topics that it reads, also with
   * what came of that.
   *
   * @throws Error when that takes longer
   */
  async settled(timeoutMs = defaultSettleMs): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + timeoutMs;
    while (!this.#isSettled()) {
      if (this.#clock.monotonicMs() > untilMs) {
        throw new Error(`not every record was dealt with within ${timeoutMs} ms`);
      }
      await new Promise<void>((resolve) => this.#clock.setTimer(pollMs, resolve));
    }
  }

  #isSettled(): boolean {
    return [...this.#groups.values()].every((group) =>
      this.#log.topicNames.every((topic) => !group.reads(topic) || group.isDone(topic)),
    );
  }

  #group(name: string): MemoryGroup {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new MemoryGroup(this.#log);
      this.#groups.set(name, group);
    }
    return group;
  }
}
