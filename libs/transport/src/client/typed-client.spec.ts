import { StreamRecord } from '../building/stream-record';
import { FakeDriver } from '../../test/fake-driver';
import { StreamsClient } from './streams-client';
import type { TypedStreamsClient } from './typed-client';

interface Events {
  orders: { id: number; total: number };
  payments: { id: number };
}
interface Requests {
  totals: { request: { customer: string }; reply: number };
}

/**
 * The compiler checks this: a line below `@ts-expect-error` that it would take is an error itself,
 * so that `npm run typecheck` fails.
 */
async function whatIsTaken(client: TypedStreamsClient<Events, Requests>): Promise<void> {
  await client.publish('orders', { id: 1, total: 2 });
  await client.publish('payments', new StreamRecord({ id: 1 }, { key: 'k' }));
  await client.emitBatch('payments', [{ id: 1 }, new StreamRecord({ id: 2 })]);
  client.emit('orders', { id: 1, total: 2 }).subscribe(({ offset }) => offset.toFixed());
  client.send('totals', { customer: 'a' }).subscribe((total) => total.toFixed());
  // @ts-expect-error: there is no such topic
  client.emit('order', { id: 1, total: 2 });
  // @ts-expect-error: it lacks the total
  client.emit('orders', { id: 1 });
  // @ts-expect-error: a record of another topic
  await client.publish('orders', new StreamRecord({ id: 1 }));
  // @ts-expect-error: one of them is no payment
  await client.emitBatch('payments', [{ id: 1 }, { id: '2' }]);
  // @ts-expect-error: an event is no request
  client.send('orders', { id: 1, total: 2 });
  // @ts-expect-error: what is asked for lacks the customer
  client.send('totals', {});
}

it('a client is one that knows its topics', async () => {
  const driver = new FakeDriver();
  const client: TypedStreamsClient<Events, Requests> = new StreamsClient({ driver });
  expect(whatIsTaken).toBeInstanceOf(Function);
  await client.publish('orders', { id: 1, total: 2 });
  expect(driver.sent[0]).toMatchObject({ topic: 'orders' });
});
