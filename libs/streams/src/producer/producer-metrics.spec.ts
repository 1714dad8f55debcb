import { KeptMetrics } from '@sluice/process';
import { sharedRedis } from '@sluice/test/support/redis';
import { connectStreams, failureOf } from '../../test/streams';
import type { ProducerSettings } from '../api';
import { StreamProducer } from './stream-producer';

afterAll(async () => (await sharedRedis()).stop());

async function producerOf(settings: ProducerSettings = {}) {
  const metrics = new KeptMetrics();
  const connection = await connectStreams({}, { ports: { metrics } });
  await connection.connect();
  const producer = new StreamProducer(connection, settings);
  /** Of each line of that name: the labels, and the value. */
  const valuesOf = async (name: string): Promise<Record<string, number>> => {
    const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith(name));
    return Object.fromEntries(
      lines.map((line) => {
        const [what, value] = line.slice(name.length).split(' ');
        return [what!, Number(value)];
      }),
    );
  };
  return { producer, valuesOf };
}

test('what was written is counted by topic: records, bytes, batches and the time', async () => {
  const { producer, valuesOf } = await producerOf();
  await producer.sendAll([1, 2, 3].map((at) => ({ topic: 'orders', value: `order ${at}` })));
  await producer.send({ topic: 'returns', value: 'x'.repeat(1_000) });
  const [orders, returns] = ['{topic="orders"}', '{topic="returns"}'] as const;
  expect(await valuesOf('sluice_producer_records_total')).toEqual({ [orders]: 3, [returns]: 1 });
  expect(await valuesOf('sluice_producer_batches_total')).toEqual({ [orders]: 1, [returns]: 1 });
  const bytes = await valuesOf('sluice_producer_bytes_total');
  expect(bytes[returns]).toBeGreaterThan(1_000);
  expect(bytes[orders]).toBeLessThan(1_000);
  const seconds = await valuesOf('sluice_producer_batch_seconds_count');
  expect(seconds).toEqual({ [orders]: 1, [returns]: 1 });
  const sums = await valuesOf('sluice_producer_batch_seconds_sum');
  expect(sums[orders]).toBeGreaterThan(0);
});

test('what failed is counted by its code', async () => {
  const { producer, valuesOf } = await producerOf({ bufferBytesMax: 500 });
  const large = { topic: 'orders', value: 'x'.repeat(1_000) };
  expect(await failureOf(producer.send(large))).toMatchObject({ code: 'BUFFER_FULL' });
  await failureOf(producer.send({ topic: 'orders', value: 'x', partition: 7 }));
  await producer.close();
  await failureOf(producer.send({ topic: 'orders', value: 'x' }));
  expect(await valuesOf('sluice_producer_errors_total')).toEqual({
    '{topic="orders",code="BUFFER_FULL"}': 1,
    '{topic="orders",code="UNKNOWN_TOPIC_OR_PARTITION"}': 1,
    '{topic="orders",code="PRODUCER_CLOSED"}': 1,
  });
});

test('what waits is told for as long as it does', async () => {
  const { producer, valuesOf } = await producerOf({ lingerMs: 60_000 });
  const sent = producer.send({ topic: 'orders', value: 'x'.repeat(100) });
  const name = 'sluice_producer_buffered_bytes';
  expect((await valuesOf(name))['']).toBeGreaterThan(100);
  await producer.flush();
  await sent;
  expect((await valuesOf(name))['']).toBe(0);
});
