import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from '../decorators/stream-handler';
import { startService, stopServices } from '../../test/service';
import { requeueDeadLetters } from './requeue';

let isWell = false;
const handled: number[] = [];

@Controller()
class Orders {
  @StreamHandler('orders', { retry: false })
  take(@Payload() id: number): void {
    if (!isWell) throw new Error('not now');
    handled.push(id);
  }
}

const filter = ({ value }: { value: Buffer | null }) => value?.toString() !== '2';

afterEach(stopServices);

describe('requeueDeadLetters', () => {
  it('puts each letter back once, without its story, and those of the filter alone', async () => {
    const { streams } = await startService([Orders]);
    for (const id of [1, 2, 3]) streams.write('orders', id, { key: 'a', headers: { by: 'me' } });
    await streams.settled();
    isWell = true;
    const options = { topic: 'orders', quietMs: 0 };
    const first = await requeueDeadLetters(streams, { ...options, filter });
    expect(first).toEqual({ requeued: 2, passedOver: 1 });
    await streams.settled();
    expect(handled).toEqual([1, 3]);
    expect(await requeueDeadLetters(streams, options)).toEqual({ requeued: 0, passedOver: 0 });
    const again = streams.recordsOf('orders').slice(3);
    expect(again.map(({ headers }) => headers.map(({ key }) => key))).toEqual([['by'], ['by']]);
    expect(again.map(({ key }) => key?.toString())).toEqual(['a', 'a']);
  });

  it('does not say that there are none while another has the partitions', async () => {
    isWell = true;
    const { streams } = await startService([Orders]);
    streams.write('orders.dlq', 4, { headers: { 'sluice-origin-topic': 'orders' } });
    const group = 'orders.dlq.requeue';
    const settings = { group, topics: ['orders.dlq'] };
    const ghost = streams.createConsumer(settings, { take: () => undefined });
    await ghost.start();
    const options = { topic: 'orders', quietMs: 0 };
    const asked = requeueDeadLetters(streams, { ...options, ownedWithinMs: 20 });
    await expect(asked).rejects.toThrow(/no partition of orders\.dlq/);
    const patient = requeueDeadLetters(streams, options);
    await ghost.close(0);
    expect(await patient).toEqual({ requeued: 1, passedOver: 0 });
    const none = { topic: 'others', quietMs: 0 };
    expect(await requeueDeadLetters(streams, none)).toEqual({ requeued: 0, passedOver: 0 });
  });

  it('leaves what fails again to the next call', async () => {
    isWell = false;
    const { streams } = await startService([Orders]);
    for (const id of [1, 2, 3]) streams.write('orders', id);
    await streams.settled();
    const options = { topic: 'orders', quietMs: 20 };
    expect(await requeueDeadLetters(streams, options)).toEqual({ requeued: 3, passedOver: 0 });
    await streams.settled();
    expect(streams.recordsOf('orders.dlq')).toHaveLength(6);
    expect(await requeueDeadLetters(streams, options)).toEqual({ requeued: 3, passedOver: 0 });
  });
});
