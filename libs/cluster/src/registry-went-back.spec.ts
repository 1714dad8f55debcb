import { eventually } from '@sluice/test/support/eventually';
import { adminOf } from '@sluice/test/support/redis';
import type { TestGateway } from '../test/cluster-kit';
import { TestGateways } from '../test/test-gateways';
import type { Placement } from './api';
import { clusterKeys } from './keys';

const gateways = TestGateways.ofSpec();
const start = (brokerId: number) => gateways.start({ brokerId, hostName: `h${brokerId}` });

const isLedBy2 = ({ leaderId }: Placement): boolean => leaderId === 2;

/** The hashes of the cluster as they are; what is returned puts them back, as a failover may. */
async function remember(db: number): Promise<() => Promise<void>> {
  const { redis, keyPrefix } = gateways;
  const admin = await adminOf(redis);
  const { brokers, controller, leaders } = clusterKeys(keyPrefix, db);
  const copies: [string, Record<string, string>][] = [];
  for (const key of [brokers, controller, leaders]) copies.push([key, await admin.hgetall(key)]);
  return async () => {
    const all = admin.multi();
    for (const [key, fields] of copies) all.del(key).hset(key, fields);
    await all.exec();
  };
}

test('a registry that lost its last writes is whole again, and leaders raise it', async () => {
  const [first, second] = [await start(1), await start(2)];
  const topic = await first.topic('orders', 6);
  await eventually(() => second.cluster.placementsOf(topic)[0]!.leaderId > 0);
  const goBack = await remember(first.link.db);
  await first.kill();
  const { cluster } = second;
  await eventually(() => cluster.placementsOf(topic).every(({ leaderId }) => leaderId === 2));
  await eventually(() => cluster.controllerId === 2);
  const third = await start(3);
  const seen = Math.max(...cluster.placementsOf(topic).map(({ leadership }) => leadership));
  await goBack();
  // The third is not there any more, and the first is again, which is dead.
  const isWhole = ({ cluster: view }: TestGateway): boolean =>
    view.isSure &&
    view
      .brokers()
      .map(({ id }) => id)
      .join() === '2,3' &&
    view.placementsOf(topic).every(({ leaderId }) => leaderId === 2 || leaderId === 3);
  await eventually(() => isWhole(second) && isWhole(third));
  // Which of them the second leads may still change while the leaders are balanced.
  const raise = async (): Promise<void> => {
    const ledBy2 = cluster.placementsOf(topic).findIndex(isLedBy2);
    if (ledBy2 >= 0) await cluster.raiseLeadership(topic, ledBy2, seen + 5);
  };
  const isRaised = ({ cluster: view }: TestGateway): boolean =>
    view.placementsOf(topic).some(({ leadership }) => leadership > seen + 5);
  await eventually(async () => {
    await raise();
    return isRaised(second) && isRaised(third);
  });
});
