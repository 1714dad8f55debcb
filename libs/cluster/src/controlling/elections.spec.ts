import { eventually } from '@sluice/test/support/eventually';
import type { TestGateway } from '../../test/cluster-kit';
import { TestGateways } from '../../test/test-gateways';
import { clusterKeys } from '../keys';

const gateways = TestGateways.ofSpec();
/** Nobody else moves leaders in this time. */
const limits = { balanceEveryMs: 600_000 };

/** It rises with each write. */
async function version({ link }: TestGateway): Promise<number> {
  const { controller } = clusterKeys(gateways.keyPrefix, link.db);
  return Number(await link.read.hget(controller, 'version'));
}

test('the preferred leaders of many partitions are elected in one write', async () => {
  const first = await gateways.start({ brokerId: 1, limits });
  const second = await gateways.start({ brokerId: 2, limits });
  const third = await gateways.start({ brokerId: 3, limits });
  const topic = await first.topic('orders', 60);
  const all = Array.from({ length: 60 }, (_, index) => index);
  const leaders = (): number[] => first.cluster.placementsOf(topic).map((one) => one.leaderId);
  await eventually(() => leaders().every((id) => id > 0));
  await first.cluster.assignReplicas(topic, new Map(all.map((index) => [index, [3, 1, 2]])));
  await third.stop();
  await eventually(() => leaders().every((id) => id > 0 && id !== 3));
  await gateways.start({ brokerId: 3, limits });
  for (const { cluster } of [first, second]) await eventually(() => cluster.brokers().length === 3);
  const versionBefore = await version(first);
  const outcomes = await first.cluster.electPreferred(topic, [...all, 60]);
  expect(outcomes.get(60)).toBe('not-available');
  expect(all.filter((index) => outcomes.get(index) !== 'done')).toEqual([]);
  expect(leaders().every((id) => id === 3)).toBe(true);
  expect(await version(first)).toBe(versionBefore + 1);
  const again = await first.cluster.electPreferred(topic, all);
  expect(new Set(again.values())).toEqual(new Set(['not-needed']));
  const refused = await second.cluster.electPreferred(topic, all);
  expect(new Set(refused.values())).toEqual(new Set(['not-controller']));
});
