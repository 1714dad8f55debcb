import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { register } from 'prom-client';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { StreamHandler } from './decorators/stream-handler';
import { RedisStreams } from './redis-streams';
import { fastRetry, gate, startService, stopServices } from '../test/service';

afterEach(stopServices);
afterEach(() => register.clear());
afterAll(async () => (await sharedRedis()).stop());

describe('the metrics of a server', () => {
  it('are in prom-client’s default registry, those of two servers together', async () => {
    const { opened, open } = gate();
    @Controller()
    class Orders {
      @StreamHandler('orders', { retry: { ...fastRetry, attempts: 2 } })
      async take(@Payload() id: number): Promise<void> {
        if (id === 1) throw new Error('no');
        if (id === 2) await opened;
      }
    }
    const { streams } = await startService([Orders]);
    await startService([Orders], { streams, group: 'other' });
    for (const id of [0, 1, 2]) streams.write('orders', id);
    const text = await eventually(async () => {
      const now = await register.metrics();
      return (now.match(/dead_letters_total\{/g)?.length ?? 0) === 2 && now;
    });
    expect(text).toContain('sluice_stream_handled_records_total{group="billing",topic="orders"} 1');
    expect(text).toContain('sluice_stream_retried_records_total{group="other",topic="orders"} 1');
    expect(text).toContain(
      'dead_letters_total{group="billing",topic="orders",reason="attempts-exhausted"} 1',
    );
    expect(text).toMatch(
      /attempt_seconds_count\{group="billing",topic="orders",outcome="failed"\} 2/,
    );
    for (const group of ['billing', 'other']) {
      expect(text).toContain(
        `sluice_stream_lag_records{group="${group}",topic="orders",partition="0"} 1`,
      );
    }
    open();
    await streams.settled();
    await stopServices();
    expect(await register.metrics()).not.toContain('sluice_stream_lag_records{');
  });
});

describe('the metrics of a producer', () => {
  it('are there too, those of all producers of the process together', async () => {
    const { url: redisUrl } = await sharedRedis();
    const streams = new RedisStreams({ redisUrl, keyPrefix: freshPrefix() });
    const [first, second] = [streams.createProducer(), streams.createProducer()];
    await first.send({ topic: 'orders', value: 'one' });
    await second.send({ topic: 'orders', value: 'two' });
    await second.send({ topic: 'orders', value: 'three', partition: 9 }).catch(() => {});
    const text = await register.metrics();
    await streams.close();
    expect(text).toContain('sluice_producer_records_total{topic="orders"} 2');
    expect(text).toContain('sluice_producer_batch_seconds_count{topic="orders"} 2');
    expect(text).toContain('sluice_producer_buffered_bytes 0');
    expect(text).toContain(
      'sluice_producer_errors_total{topic="orders",code="UNKNOWN_TOPIC_OR_PARTITION"} 1',
    );
  });
});
