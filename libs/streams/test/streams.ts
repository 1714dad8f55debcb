import { decodeBatch, type RecordData } from '@sluice/records';
import { freshPrefix, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import {
  StreamsConnection,
  type SendError,
  type StreamsConnectionOptions,
  type StreamsPorts,
} from '../src';

/** A connection to a test server under a prefix of its own; it ends with the server. */
export async function connectStreams(
  options: StreamsConnectionOptions = {},
  { redis, ports }: { redis?: TestRedis; ports?: Partial<StreamsPorts> } = {},
): Promise<StreamsConnection> {
  const server = redis ?? (await sharedRedis());
  const given = { redisUrl: server.url, keyPrefix: freshPrefix(), ...options };
  const connection = new StreamsConnection(given, ports);
  server.beforeStop.add(() => connection.close());
  return connection;
}

/** A record as it lies in the log. */
export type StoredRecord = RecordData & { partition: number };

/** All records of a topic, by partition and in order. */
export async function storedRecords(
  connection: StreamsConnection,
  topic: string,
): Promise<StoredRecord[]> {
  const { catalog, store } = await connection.connect();
  const found = catalog.byName(topic);
  if (found === undefined) return [];
  const records: StoredRecord[] = [];
  for (let partition = 0; partition < found.partitions; partition++) {
    const ref = { topic, topicId: found.id, partition };
    const batches = await store.read(ref, 0, { entries: 10_000 });
    for (const { bytes } of batches) {
      for (const record of decodeBatch(bytes)) records.push({ ...record, partition });
    }
  }
  return records;
}

/** The values of records, as text. */
export function valuesOf(records: readonly StoredRecord[]): string[] {
  return records.map(({ value }) => String(value));
}

/** What a record that is not written is refused with. */
export function failureOf(sent: Promise<unknown>): Promise<SendError> {
  return sent.then(
    () => {
      throw new Error('it was sent');
    },
    (error: SendError) => error,
  );
}
