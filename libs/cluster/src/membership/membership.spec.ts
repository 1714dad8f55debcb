import { silentLogger } from '@sluice/base';
import { attempt } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { adminOf, startRedis } from '@sluice/test/support/redis';
import type { TestGatewayOptions } from '../../test/cluster-kit';
import { TestGateways } from '../../test/test-gateways';
import type { Placement } from '../api';
import { clusterKeys } from '../keys';
import { BrokerIdHeld } from './held-id';

const gateways = TestGateways.ofSpec();
const isLedBySecond = ({ leaderId }: Placement): boolean => leaderId === 2;
const make = (options: Partial<TestGatewayOptions>) => gateways.make(options);
const start = (options: Partial<TestGatewayOptions> = {}) => gateways.start(options);

describe('a broker id', () => {
  test('that another holds is refused, with who that is and what to do', async () => {
    await start({ brokerId: 2, port: 9192, hostName: 'the-first' });
    const second = await make({ brokerId: 2, hostName: 'the-second' });
    const failure = await second.join().catch((error: Error) => error);
    expect(failure).toBeInstanceOf(BrokerIdHeld);
    const { message } = failure as Error;
    expect(message).toMatch(/^Broker id 2 is held by the gateway at localhost:9192 on the host/);
    expect(message).toMatch(/the-first, since 20\d\d-.*Z\. It is alive\.\n.*--broker-id/);
    expect(second.cluster.isSure).toBe(false);
    expect((await start({ brokerId: 3 })).id).toBe(3);
  });

  test('of one that was killed is taken at once by who listens at the same place', async () => {
    const limits = { sessionMs: 60_000 };
    const killed = await start({ brokerId: 2, port: 9193, limits });
    const topic = await killed.topic('orders', 2);
    await killed.kill();
    const again = await start({ brokerId: 2, port: 9193, limits });
    expect(again.cluster.isSure).toBe(true);
    expect(again.cluster.placementsOf(topic)).toMatchObject([
      { leaderId: 2, leadership: 1 },
      { leaderId: 2, leadership: 1 },
    ]);
  });

  test('of one that was killed is taken at its place also by one that was given none', async () => {
    const limits = { sessionMs: 60_000 };
    await start({ limits });
    const killed = await start({ port: 9194, limits });
    await killed.kill();
    expect((await start({ port: 9194, limits })).id).toBe(2);
    expect((await start({ limits })).id).toBe(3);
  });

  test('of one that was killed elsewhere is free once its session is over', async () => {
    const killed = await start({ brokerId: 2, hostName: 'elsewhere' });
    await killed.kill();
    const next = await start({ brokerId: 2 });
    expect(next.cluster.isSure).toBe(true);
  });
});

test('a gateway that leaves while it waits for its id waits no more, and has none', async () => {
  const limits = { sessionMs: 60_000 };
  const killed = await start({ brokerId: 2, hostName: 'elsewhere', limits });
  await killed.kill();
  const lines: string[] = [];
  const log = { ...silentLogger, info: (message: string) => void lines.push(message) };
  const second = await make({ brokerId: 2, limits, log });
  const failure = second.join().catch((error: Error) => error);
  await eventually(() => lines.some((line) => line.startsWith('waits until it is known')));
  await second.cluster.leave();
  expect(await failure).toBeInstanceOf(Error);
});

describe('a gateway that was paused past its session', () => {
  test('is not sure, joins again under its id, and leads nothing twice', async () => {
    const [paused, other] = [await start(), await start()];
    const topic = await paused.topic('orders', 4);
    paused.pause();
    await eventually(() => other.cluster.brokers().length === 1);
    await eventually(() => other.cluster.placementsOf(topic).every(isLedBySecond));
    const after = other.cluster.placementsOf(topic);
    expect(paused.cluster.isSure).toBe(false);
    expect(paused.cluster.coordinatorEpochOf('g')).toBeNull();
    paused.resume();
    await eventually(() => paused.cluster.isSure);
    expect(paused.id).toBe(1);
    expect(other.cluster.brokers()).toHaveLength(2);
    const placements = paused.cluster.placementsOf(topic);
    for (const [index, { leadership }] of placements.entries()) {
      expect(leadership).toBeGreaterThanOrEqual(after[index]!.leadership);
    }
  });

  test('stays outside while another has its id, and then comes back', async () => {
    const paused = await start({ brokerId: 1, hostName: 'one' });
    paused.pause();
    const other = await start({ brokerId: 1, hostName: 'two' });
    paused.resume();
    await eventually(() => paused.cluster.brokers()[0]?.port === other.address.port);
    expect(paused.cluster.isSure).toBe(false);
    await other.stop();
    await eventually(() => paused.cluster.isSure);
  });
});

describe('what was removed by hand', () => {
  test.each(['brokers', 'sessions', 'controller', 'leaders'] as const)(
    'is made again (%s)',
    async (name) => {
      const all = [await start(), await start()];
      const topic = await all[0]!.topic('orders', 4);
      const admin = await adminOf(gateways.redis);
      await attempt('test', admin.del(clusterKeys(gateways.keyPrefix, all[0]!.link.db)[name]));
      for (const { cluster } of all) {
        await eventually(() => cluster.isSure && cluster.brokers().length === 2);
        await eventually(() => cluster.controllerId > 0);
        await eventually(() => cluster.placementsOf(topic).every(({ leaderId }) => leaderId > 0));
      }
      const later = await all[1]!.topic('later', 2);
      await eventually(() => all[0]!.cluster.placementsOf(later)[1]!.leaderId > 0);
      await all[0]!.kill();
      const { cluster } = all[1]!;
      await eventually(() => cluster.placementsOf(topic).every(({ leaderId }) => leaderId === 2));
    },
  );
});

test('the keys that scripts name exist once a gateway is there', async () => {
  const gateway = await start();
  const { changes: _channel, ...keys } = clusterKeys(gateways.keyPrefix, gateway.link.db);
  expect(await gateway.link.read.exists(...Object.values(keys))).toBe(4);
  await gateway.stop();
  expect(await (await adminOf(gateways.redis)).exists(...Object.values(keys))).toBe(4);
});

test('after Redis was away for longer than a session nobody has lost it', async () => {
  const own = await startRedis();
  try {
    const all = await Promise.all([1, 2, 3].map((brokerId) => start({ redis: own, brokerId })));
    const topic = await all[0]!.topic('orders', 6);
    await eventually(() => all[0]!.cluster.brokers().length === 3);
    await eventually(() => all[2]!.cluster.placementsOf(topic)[0]!.leaderId > 0);
    await own.pause();
    await eventually(() => all.every(({ cluster }) => !cluster.isSure));
    const before = all[0]!.cluster.placementsOf(topic);
    await own.resume();
    await eventually(() => all.every(({ cluster }) => cluster.isSure));
    expect(all[0]!.cluster.brokers()).toHaveLength(3);
    expect(all[0]!.cluster.placementsOf(topic)).toEqual(before);
  } finally {
    await gateways.killAll();
    await own.stop();
  }
});
