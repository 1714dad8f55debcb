import { GroupKeys } from '@sluice/groups';
import type { RedisLink } from '@sluice/redis';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { groupScripts } from '@sluice/test/support/group-scripts';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { ErrorCode } from '@sluice/wire';
import { ask, problemIn, type Answer } from '../../test/ask';

/** The gateway reaches Redis through a proxy that loses the reply to one script. */
let redis: TestRedis;
let proxy: TcpProxy;
let gateway: TestBroker;
/** Past the proxy. */
let direct: RedisLink;

beforeAll(async () => {
  redis = await startRedis();
  proxy = new TcpProxy(redis);
  const port = String(await proxy.start());
  const url = Object.assign(new URL(redis.adminUrl), { hostname: '127.0.0.1', port }).href;
  gateway = await startBroker({ redis: { ...redis, url }, admin: true });
  const { keyPrefix } = gateway;
  direct = await connectLink(redis, { url: redis.adminUrl, keyPrefix });
  await gateway.catalog.create({ name: 'orders', partitions: 2, configs: {} });
  // A script that Redis does not know yet is answered twice, and the first reply matters little.
  await commit('known');
  await post('/known/offsets', { to: 'start' });
  await post('/known/offsets/delete', firstOnly);
  expect((await remove('/known')).status).toBe(204);
});

afterAll(async () => {
  await gateway?.stop();
  await proxy?.stop();
  await redis?.stop();
});

const firstOnly = { partitions: [{ topic: 'orders', partition: 0 }] };

const post = (path: string, body: unknown) =>
  ask(gateway.adminUrl, `/v1/groups${path}`, { method: 'POST', body });
const remove = (path: string) => ask(gateway.adminUrl, `/v1/groups${path}`, { method: 'DELETE' });

/** Commits offset 7 for both partitions. */
async function commit(groupId: string): Promise<void> {
  const { id: topicId } = gateway.catalog.byName('orders')!;
  const offsets = [0, 1].map((partition) => {
    return { topicId, topic: 'orders', partition, offset: 7, leaderEpoch: -1, metadata: null };
  });
  const claim = { groupId, generationId: -1, memberId: '', groupInstanceId: null };
  // The test before may have cut the connections.
  await eventually(async () => {
    const { errorCode } = await gateway.groups.commitOffsets({ ...claim, offsets });
    return errorCode === ErrorCode.NONE;
  });
}

/** Loses the next reply to this script for this group. */
function loseReplyTo({ sha1 }: { sha1: string }, groupId: string): void {
  proxy.loseReplyTo((sent) => sent.includes(sha1) && sent.includes(`{group/${groupId}}`));
}

/** What Redis has for the partitions of a group: their offsets, null where there is none. */
async function stored(groupId: string): Promise<(string | null)[]> {
  const { id } = gateway.catalog.byName('orders')!;
  const { offsets } = new GroupKeys(direct.keyPrefix).of(groupId);
  const values = await direct.read.hmget(offsets, `${id}/0`, `${id}/1`);
  return values.map((value) => (value === null ? null : value.replace(/^v2 /, '').split(' ')[0]!));
}

interface Change {
  script: { sha1: string };
  make: (groupId: string) => Promise<Answer>;
  /** What Redis has then. */
  leaves: (string | null)[];
  /** What is answered to the same request once more. */
  again: [status: number, problem: string | null];
}

const changes: Record<string, Change> = {
  'a reset': {
    script: groupScripts.commit,
    make: (groupId) => post(`/${groupId}/offsets`, { to: 'start' }),
    leaves: ['0', '0'],
    again: [200, null],
  },
  'a deletion of offsets': {
    script: groupScripts.deleteOffsets,
    make: (groupId) => post(`/${groupId}/offsets/delete`, firstOnly),
    leaves: [null, '7'],
    again: [204, null],
  },
  'a deletion of a group': {
    script: groupScripts.deleteGroup,
    make: (groupId) => remove(`/${groupId}`),
    leaves: [null, null],
    again: [404, 'unknown-group'],
  },
};

test.each(Object.entries(changes))(
  '%s whose reply is lost is told as unknown, and can be asked for again',
  async (name, { script, make, leaves, again }) => {
    const groupId = name.replaceAll(' ', '-');
    await commit(groupId);
    loseReplyTo(script, groupId);
    const answer = await make(groupId);
    expect([answer.status, problemIn(answer)]).toEqual([504, 'outcome-unknown']);
    await eventually(async () => {
      expect(await stored(groupId)).toEqual(leaves);
      return true;
    });
    const [status, problem] = again;
    await eventually(async () => {
      const second = await make(groupId);
      expect(second.status).toBe(status);
      if (problem !== null) expect(problemIn(second)).toBe(problem);
      return true;
    });
    expect(await stored(groupId)).toEqual(leaves);
  },
);

test('Kafka clients are told the same, as REQUEST_TIMED_OUT', async () => {
  const { groups, catalog } = gateway;
  const { id: topicId } = catalog.byName('orders')!;
  await commit('kafka');
  loseReplyTo(groupScripts.deleteOffsets, 'kafka');
  const partitions = [{ topicId, topic: 'orders', partition: 0 }];
  const deletion = await groups.deleteOffsets({ groupId: 'kafka', partitions });
  expect(deletion.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
  await eventually(async () => (await stored('kafka'))[0] === null);
  // The group is read again with the next request, over a new connection.
  await eventually(async () => {
    const { errorCode } = await groups.describe('kafka');
    return errorCode === ErrorCode.NONE;
  });
  loseReplyTo(groupScripts.deleteGroup, 'kafka');
  expect(await groups.deleteGroup('kafka')).toBe(ErrorCode.REQUEST_TIMED_OUT);
  await eventually(async () => (await stored('kafka'))[1] === null);
});
