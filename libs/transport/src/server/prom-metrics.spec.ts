import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { register } from 'prom-client';
import { eventually } from '@sluice/test/support/eventually';
import { StreamHandler } from '../decorators/stream-handler';
import { fastRetry, gate, startService, stopServices } from '../../test/service';

afterEach(stopServices);
afterEach(() => register.clear());

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
