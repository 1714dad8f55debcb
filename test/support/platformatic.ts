import './newer-node.cjs';
import {
  compatibilityPartitioner,
  Consumer,
  type ConsumeOptions,
  type ConsumerOptions,
  type Message,
  type MessagesStream,
} from '@platformatic/kafka';
import { eventually } from './eventually';
import { asText, type SeenRecord } from './seen-record';

/** Kafka's own partitioner, by the name that it has in this client. */
export const murmur2Partitioner = compatibilityPartitioner;

/** Where a test's broker is, for a client that tries again for long enough. */
export function clientOptions(port: number) {
  return {
    clientId: 'platformatic-test',
    bootstrapBrokers: [`127.0.0.1:${port}`],
    retries: 30,
    retryDelay: 100,
  };
}

/** Consumers that notice everything soon. */
export const quickConsumer = {
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  heartbeatInterval: 200,
  maxWaitTime: 100,
};

type Stream = MessagesStream<Buffer, Buffer, Buffer, Buffer>;

/** A consumer that keeps what it gets. */
export class Reader {
  readonly seen: SeenRecord[] = [];
  /** What came through the stream, with the means to commit. */
  readonly messages: Message[] = [];

  private constructor(
    readonly consumer: Consumer,
    readonly stream: Stream,
  ) {
    stream.on('data', (message: Message) => {
      this.messages.push(message);
      this.seen.push(seenByPlatformatic(message));
    });
  }

  /** Joins a group and reads. */
  static async start(
    port: number,
    groupId: string,
    options: ConsumeOptions<Buffer, Buffer, Buffer, Buffer>,
    consumerOptions: Partial<ConsumerOptions<Buffer, Buffer, Buffer, Buffer>> = {},
  ): Promise<Reader> {
    const consumer = new Consumer({
      ...clientOptions(port),
      ...quickConsumer,
      groupId,
      ...consumerOptions,
    } as ConsumerOptions<Buffer, Buffer, Buffer, Buffer>);
    try {
      return new Reader(consumer, await consumer.consume(options));
    } catch (error) {
      await consumer.close(true);
      throw error;
    }
  }

  /** Leaves the group. */
  async close(): Promise<void> {
    await this.stream.close();
    await this.consumer.close();
  }
}

/** A message in the form that all clients share. */
export function seenByPlatformatic(message: Message): SeenRecord {
  const { partition, offset, timestamp, key, value, headerEntries } = message;
  return {
    partition,
    offset: Number(offset),
    timestampMs: Number(timestamp),
    key: asText(key),
    value: asText(value),
    headers: headerEntries.map(([name, given]) => [asText(name) ?? '', asText(given)]),
  };
}

/** Reads a topic from its start until it has `count` records; throws when they do not come. */
export async function readWithPlatformatic(
  port: number,
  topic: string,
  count: number,
): Promise<SeenRecord[]> {
  const groupId = `platformatic-reads-${topic}-${groupNumber++}`;
  const reader = await Reader.start(port, groupId, { topics: [topic], mode: 'earliest' });
  try {
    await eventually(() => reader.seen.length >= count, {
      what: `reading ${count} records of ${topic}`,
    });
    return reader.seen;
  } finally {
    await reader.close();
  }
}

let groupNumber = 0;
