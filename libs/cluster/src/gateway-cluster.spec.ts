import { eventually } from '@sluice/test/support/eventually';
import type { TestGateway } from '../test/cluster-kit';
import { TestGateways } from '../test/test-gateways';

const gateways = TestGateways.ofSpec();
const start = () => gateways.start();

const leadersOf = (
  gateway: TestGateway,
  topic: Parameters<TestGateway['cluster']['placementsOf']>[0],
) => gateway.cluster.placementsOf(topic).map(({ leaderId }) => leaderId);

const isReached = ({ link }: TestGateway): Promise<boolean> =>
  link.write.ping().then(
    () => true,
    () => false,
  );

test('a lone gateway takes the first id, is the controller, and leads all there is', async () => {
  const gateway = await start();
  const { cluster } = gateway;
  expect([cluster.selfId, cluster.controllerId, cluster.isSure]).toEqual([1, 1, true]);
  expect(cluster.brokers()).toMatchObject([{ id: 1, host: 'localhost', version: '1.2.3' }]);
  expect(cluster.coordinatorEpochOf('group')).toBe(0);
  const topic = await gateway.topic('orders', 3);
  const placement = { leaderId: 1, leadership: 0, replicas: [1] };
  expect(cluster.placementsOf(topic)).toMatchObject([placement, placement, placement]);
});

test('gateways take ids of their own, and know each other at once', async () => {
  const all = [await start(), await start(), await start()];
  expect(all.map(({ id }) => id)).toEqual([1, 2, 3]);
  for (const { cluster } of all) {
    await eventually(() => cluster.brokers().length === 3);
    expect(cluster.controllerId).toBe(1);
  }
  const topic = await all[2]!.topic('orders', 6);
  expect(leadersOf(all[2]!, topic).toSorted()).toEqual([1, 1, 2, 2, 3, 3]);
  for (const gateway of all) {
    await eventually(() => leadersOf(gateway, topic).every((id) => id > 0));
    expect(gateway.cluster.placementsOf(topic)).toEqual(all[2]!.cluster.placementsOf(topic));
  }
});

test('what a killed gateway led is led by others, under a higher leadership', async () => {
  const all = [await start(), await start(), await start()];
  const topic = await all[1]!.topic('orders', 12);
  const before = all[1]!.cluster.placementsOf(topic);
  await all[0]!.kill();
  const { cluster } = all[1]!;
  await eventually(() => cluster.placementsOf(topic).every(({ leaderId }) => leaderId > 1));
  expect(cluster.brokers().map(({ id }) => id)).toEqual([2, 3]);
  await eventually(() => [2, 3].includes(cluster.controllerId));
  for (const [index, placement] of cluster.placementsOf(topic).entries()) {
    const moved = before[index]!.leaderId === 1;
    expect(placement.leadership).toBe(before[index]!.leadership + (moved ? 1 : 0));
  }
});

test('one that stops hands over what it leads before it leaves', async () => {
  const all = [await start(), await start()];
  const topic = await all[1]!.topic('orders', 4);
  await eventually(() => all[0]!.cluster.coordinatorOf('g') > 0);
  await all[0]!.cluster.retire(5_000);
  expect(leadersOf(all[0]!, topic)).toEqual([2, 2, 2, 2]);
  expect(all[0]!.cluster.isSure).toBe(true);
  await all[0]!.stop();
  await eventually(() => all[1]!.cluster.brokers().length === 1);
  await eventually(() => all[1]!.cluster.controllerId === 2);
});

test('one that stops while Redis is away hands over as soon as it is back', async () => {
  // So long that nobody hands over because a session has ended.
  const limits = { sessionMs: 60_000 };
  const [stopping, other] = [await gateways.start({ limits }), await gateways.start({ limits })];
  const topic = await other!.topic('orders', 4);
  await eventually(() => stopping!.cluster.coordinatorOf('g') > 0);
  stopping!.proxy.interrupt();
  await eventually(async () => !(await isReached(stopping!)));
  const retired = stopping!.cluster.retire(20_000);
  stopping!.proxy.restore();
  await retired;
  await eventually(() => leadersOf(other!, topic).every((id) => id === 2));
});
