import { silentMetrics, systemRandom, type Clock, type Logger } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type {
  ConsumedRecord,
  ConsumerSettings,
  RecordConsumer,
  RecordProducer,
  RecordSink,
  RecordToSend,
} from '@sluice/streams';
import type { StreamJobsGround } from '../src';
import { FakePartition } from './fake-partition';

const nothing = (): void => {};
const topicId = 'q-83vXNzSDeDQ9-zm_Ik2A';

/** What jobs stand on, without topics: the test gives records, and sees those that are sent. */
export class FakeGround implements StreamJobsGround {
  readonly connection: StreamJobsGround['connection'];
  readonly sent: RecordToSend[] = [];
  readonly #partitions: FakePartition[] = [];
  refuseLetters = false;
  refused = 0;
  consumers = 0;
  /** What the next start of a consumer fails with. */
  startFailure: Error | null = null;
  settings: ConsumerSettings | null = null;
  #sink: RecordSink | null = null;

  constructor(redis: RedisLink, ports: { clock: Clock; log: Logger }) {
    this.connection = {
      ports: { ...ports, random: systemRandom, metrics: silentMetrics },
      connect: () => Promise.resolve({ redis }) as never,
    };
  }

  createConsumer(settings: ConsumerSettings, sink: RecordSink): RecordConsumer {
    this.consumers++;
    this.settings = settings;
    this.#sink = sink;
    return {
      start: () => {
        const failure = this.startFailure;
        this.startFailure = null;
        return failure === null ? Promise.resolve() : Promise.reject(failure);
      },
      close: () => {
        for (const partition of this.#partitions) partition.revoke();
        return Promise.resolve();
      },
      pause: nothing,
      resume: nothing,
      seek: () => Promise.resolve(),
      health: () => {
        throw new Error('there is no consumer');
      },
      onStatus: () => nothing,
      onAssigned: () => nothing,
      onRevoked: () => nothing,
    };
  }

  createProducer(): RecordProducer {
    const send: RecordProducer['send'] = (record) => {
      if (this.refuseLetters) {
        this.refused++;
        return Promise.reject(new Error('the topic is not there'));
      }
      this.sent.push(record);
      const { topic, timestampMs = 0 } = record;
      return Promise.resolve({ topic, partition: 0, offset: this.sent.length, timestampMs });
    };
    return {
      send,
      sendAll: (records) => Promise.all(records.map(send)),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }

  /** Hands over records with these values, from an offset on. */
  give(topic: string, from: number, values: readonly unknown[]): FakePartition {
    const texts = values.map((value) => JSON.stringify(value));
    return this.giveRaw(topic, from, texts);
  }

  giveRaw(topic: string, from: number, values: readonly string[]): FakePartition {
    const partition = new FakePartition(topicId, topic);
    this.#partitions.push(partition);
    const records: ConsumedRecord[] = values.map((value, i) => partition.record(from + i, value));
    this.#sink!.take(partition, records);
    return partition;
  }
}
