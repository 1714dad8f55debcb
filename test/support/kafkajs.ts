import { compress as zstdCompress, decompress as zstdDecompress } from '@cloudpss/zstd/napi';
import {
  CompressionCodecs,
  CompressionTypes,
  Kafka,
  logLevel,
  Partitioners,
  type Consumer,
  type IHeaders,
  type KafkaConfig,
  type KafkaMessage,
  type Producer,
  type ProducerConfig,
} from 'kafkajs';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { compressSync, uncompressSync } from 'snappy';
import { eventually } from './eventually';
import { asText, utf8, type SeenRecord } from './seen-record';

/** What kafkajs' plug-in point for compression asks for. */
interface PluggedCodec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(packed: Buffer): Promise<Buffer>;
}

const xerialMagic = Buffer.from('\x82SNAPPY\0', 'latin1');
const xerialHeaderBytes = 16;

/** kafkajs has gzip built in; the others are plugged in, each made of the same packages as ours. */
function plugIn(type: CompressionTypes, codec: PluggedCodec): void {
  (CompressionCodecs as Record<number, () => PluggedCodec>)[type] = () => codec;
}

/** Registers snappy, lz4 and zstd with kafkajs. Raw snappy is written, as kafkajs' users do it. */
export function plugInCodecs(): void {
  plugIn(CompressionTypes.Snappy, {
    compress: async ({ buffer }) => compressSync(buffer),
    decompress: async (packed) => unsnap(packed),
  });
  plugIn(CompressionTypes.LZ4, {
    compress: async ({ buffer }) => compressFrameSync(buffer),
    decompress: async (packed) => decompressFrameSync(packed),
  });
  plugIn(CompressionTypes.ZSTD, {
    compress: async ({ buffer }) => Buffer.from(zstdCompress(buffer)),
    decompress: async (packed) => Buffer.from(zstdDecompress(packed)),
  });
}

function unsnap(packed: Buffer): Buffer {
  if (!packed.subarray(0, xerialMagic.length).equals(xerialMagic)) return plain(packed);
  const parts: Buffer[] = [];
  for (let at = xerialHeaderBytes; at < packed.length;) {
    const bytes = packed.readInt32BE(at);
    parts.push(plain(packed.subarray(at + 4, at + 4 + bytes)));
    at += 4 + bytes;
  }
  return Buffer.concat(parts);
}

function plain(packed: Buffer): Buffer {
  return uncompressSync(packed, { asBuffer: true }) as Buffer;
}

/** Consumers that notice everything soon. */
export const quickConsumer = {
  sessionTimeout: 6_000,
  heartbeatInterval: 200,
  maxWaitTimeInMs: 100,
};

/** kafkajs pointed at a broker of a test; it retries long enough for a restart. */
export function kafkaAt(port: number, options: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    clientId: 'kafkajs-test',
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 30 },
    ...options,
  });
}

/** A connected producer with Kafka's own partitioner. */
export async function producerOf(kafka: Kafka, options: ProducerConfig = {}): Promise<Producer> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    ...options,
  });
  await producer.connect();
  return producer;
}

/** A kafkajs message in the form that all clients share. */
export function seenByKafkajs(partition: number, message: KafkaMessage): SeenRecord {
  return {
    partition,
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
    key: asText(message.key),
    value: asText(message.value),
    headers: headersOf(message.headers ?? {}),
  };
}

function headersOf(headers: IHeaders): SeenRecord['headers'] {
  return Object.entries(headers).flatMap(([name, given]) =>
    (Array.isArray(given) ? given : [given]).map((value): [string, string | null] => [
      // kafkajs has read the name as UTF-8.
      utf8(name),
      typeof value === 'string' ? utf8(value) : asText(value),
    ]),
  );
}

/** Runs a consumer that only keeps what it gets. */
export async function collect(consumer: Consumer): Promise<SeenRecord[]> {
  const seen: SeenRecord[] = [];
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      seen.push(seenByKafkajs(partition, message));
    },
  });
  return seen;
}

/** Reads a topic from its start until it has `count` records; throws when they do not come. */
export async function readWithKafkajs(
  kafka: Kafka,
  topic: string,
  count: number,
): Promise<SeenRecord[]> {
  const consumer = kafka.consumer({
    groupId: `kafkajs-reads-${topic}-${groupNumber++}`,
    ...quickConsumer,
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen = await collect(consumer);
    await eventually(() => seen.length >= count, { what: `reading ${count} records of ${topic}` });
    return seen;
  } finally {
    await consumer.disconnect();
  }
}

let groupNumber = 0;
