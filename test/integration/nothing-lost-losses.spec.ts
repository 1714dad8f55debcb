import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { OffsetLedger } from '@sluice/test/support/offset-ledger';
import { crash } from '@sluice/test/support/offset-losses';
import { startRedisHere } from '@sluice/test/support/redis';
import type { LocalRedis } from '@sluice/test/support/redis-local';

/** Where nothing can have been lost, offsets go on as if nothing had happened. */
describe('offsets have no gap', () => {
  let redis: LocalRedis;
  let gateway: TestBroker;
  let ledger: OffsetLedger;

  beforeEach(async () => {
    redis = await startRedisHere();
    gateway = await startBroker({ redis });
    ledger = new OffsetLedger();
    await ledger.createTopic(gateway.port);
    expect(await ledger.produce(gateway.port, ['a', 'b', 'c'])).toEqual([0, 1, 2]);
  });
  afterEach(() => redis?.stop());

  const startAgain = (): Promise<TestBroker> =>
    startBroker({ redis, keyPrefix: gateway.keyPrefix });

  it('when the gateway is killed and Redis lives', async () => {
    await crash(gateway);
    const next = await startAgain();
    expect(await ledger.produce(next.port, ['d'])).toEqual([3]);
  });

  it('when both are stopped in good order', async () => {
    await gateway.stop();
    await redis.restart();
    const next = await startAgain();
    expect(await ledger.produce(next.port, ['d'])).toEqual([3]);
  });

  it('when Redis is restarted with all that it had, and the gateway lives', async () => {
    const { runId } = gateway.link.history;
    await redis.restart();
    await eventually(() => gateway.link.history.runId !== runId);
    expect(await ledger.produce(gateway.port, ['d'])).toEqual([3]);
  });

  it('when Redis is restarted with all that it had, and two gateways live', async () => {
    const other = await startAgain();
    const { runId } = gateway.link.history;
    await redis.restart();
    const isBack = ({ link }: TestBroker) => link.history.runId !== runId;
    await eventually(() => isBack(gateway) && isBack(other));
    expect(await ledger.produce(other.port, ['d'])).toEqual([3]);
    await other.stop();
  });

  it('when a gateway comes and goes beside one that lives', async () => {
    const other = await startAgain();
    await other.stop();
    const { runId } = gateway.link.history;
    await redis.restart();
    await eventually(() => gateway.link.history.runId !== runId);
    expect(await ledger.produce(gateway.port, ['d'])).toEqual([3]);
  });

  it('when a first replica has come, which changes the replication id', async () => {
    const { replicationId } = gateway.link.history;
    const replica = await startRedisHere({ replicaOf: redis.peer });
    const replicated = async (): Promise<boolean> => {
      const info = await gateway.link.read.info('replication');
      return info.includes('state=online') && !info.includes(replicationId);
    };
    await eventually(replicated);
    await crash(gateway);
    const next = await startAgain();
    expect(await ledger.produce(next.port, ['d'])).toEqual([3]);
    await replica.stop();
  });
});
