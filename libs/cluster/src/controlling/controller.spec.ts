import { eventually } from '@sluice/test/support/eventually';
import { adminOf } from '@sluice/test/support/redis';
import { TestGateways } from '../../test/test-gateways';
import { clusterKeys } from '../keys';
import { clusterLimits } from '../limits';
import { ClusterStore } from '../store/cluster-store';

const gateways = TestGateways.ofSpec();
const start = () => gateways.start();

async function fenceNow(db: number): Promise<string> {
  const { redis, keyPrefix } = gateways;
  return (await (await adminOf(redis)).hget(clusterKeys(keyPrefix, db).controller, 'fence'))!;
}

test('of a paused controller and the one that took over only one writes', async () => {
  const [first, second] = [await start(), await start()];
  const topic = await first.topic('orders', 8);
  await eventually(() => second.cluster.placementsOf(topic)[0]!.leaderId > 0);
  const late = await fenceNow(first.link.db);
  first.pause();
  await eventually(() => second.cluster.controllerId === 2);
  await eventually(() => second.cluster.placementsOf(topic).every((one) => one.leaderId === 2));
  const store = new ClusterStore(second.link, clusterLimits);
  const change = { topicId: topic.id, expected: '', next: '{"format":1}' };
  expect(await store.assign(late, [change])).toBeNull();
  expect(await store.reap(late)).toBeNull();
  first.resume();
  await eventually(() => first.cluster.isSure);
  expect(first.cluster.controllerId).toBe(2);
  expect(await fenceNow(first.link.db)).not.toBe(late);
  for (const { cluster } of [first, second]) {
    await eventually(() => cluster.placementsOf(topic).every(({ leaderId }) => leaderId > 0));
  }
});

test('a topic that is made anywhere is led at once, and its leaders go with it', async () => {
  const [first, second] = [await start(), await start()];
  const topic = await second.topic('orders', 3);
  await eventually(() => first.cluster.placementsOf(topic)[0]!.leaderId > 0);
  await second.catalog.addPartitions('orders', 5);
  const grown = second.catalog.byName('orders')!;
  expect(await second.cluster.untilPlaced(grown, 10_000)).toBe(true);
  expect(second.cluster.placementsOf(grown)).toHaveLength(5);
  await second.catalog.delete('orders');
  const { leaders } = clusterKeys(gateways.keyPrefix, first.link.db);
  await eventually(async () => (await first.link.read.hexists(leaders, topic.id)) === 0);
});

test('leaders are spread over gateways that come, and go back to the preferred ones', async () => {
  const [first] = [await start()];
  const topic = await first.topic('orders', 12);
  const [second, third] = [await start(), await start()];
  const spread = (): number[] => {
    const leaders = first.cluster.placementsOf(topic).map(({ leaderId }) => leaderId);
    return [1, 2, 3].map((id) => leaders.filter((leader) => leader === id).length);
  };
  await eventually(() => spread().join() === '4,4,4');
  for (const { leaderId, replicas } of first.cluster.placementsOf(topic)) {
    expect(replicas).toHaveLength(3);
    expect(replicas[0]).toBe(leaderId);
  }
  await second.kill();
  await eventually(() => spread().join() === '6,0,6');
  const back = await start();
  expect(back.id).toBe(2);
  await eventually(() => spread().join() === '4,4,4');
  await third.stop();
});

test('preferred replicas are elected, and others chosen, by the controller alone', async () => {
  const [first, second] = [await start(), await start()];
  const topic = await first.topic('orders', 2);
  await eventually(() => second.cluster.placementsOf(topic)[1]!.leaderId > 0);
  const elect = async ({ cluster }: typeof first) =>
    (await cluster.electPreferred(topic, [0])).get(0);
  expect(await elect(second)).toBe('not-controller');
  expect(await elect(first)).toBe('not-needed');
  const assign = (replicas: number[]) =>
    first.cluster.assignReplicas(topic, new Map([[0, replicas]]));
  for (const replicas of [[], [1, 1], [1, 9]]) {
    expect(await assign(replicas)).toBe('invalid-replicas');
  }
  const before = first.cluster.placementOf(topic, 0).leadership;
  const [chosen, other] = first.cluster.placementOf(topic, 0).leaderId === 1 ? [2, 1] : [1, 2];
  expect(await assign([chosen, other])).toBe('done');
  const now = { leaderId: chosen, leadership: before + 1, replicas: [chosen, other] };
  expect(first.cluster.placementOf(topic, 0)).toMatchObject(now);
  await eventually(() => second.cluster.placementOf(topic, 0).leaderId === chosen);
});

test('a leadership that a partition has seen is passed by whoever leads it', async () => {
  const [first, second] = [await start(), await start()];
  const topic = await first.topic('orders', 2);
  await eventually(() => second.cluster.placementsOf(topic)[1]!.leaderId > 0);
  const index = first.cluster.placementsOf(topic).findIndex(({ leaderId }) => leaderId === 2);
  await second.cluster.raiseLeadership(topic, index, 41);
  expect(second.cluster.placementOf(topic, index).leadership).toBe(42);
  await second.cluster.raiseLeadership(topic, index, 41);
  await first.cluster.raiseLeadership(topic, index, 50);
  expect(second.cluster.placementOf(topic, index).leadership).toBe(42);
  await eventually(() => first.cluster.placementOf(topic, index).leadership === 42);
  // It is given some groups with the next balancing.
  const groups = Array.from({ length: 100 }, (_, n) => `g${n}`);
  const groupId = await eventually(() =>
    groups.find((id) => second.cluster.coordinatorOf(id) === 2),
  );
  await second.cluster.raiseCoordinator(groupId, 6);
  expect(second.cluster.coordinatorEpochOf(groupId)).toBe(7);
});
