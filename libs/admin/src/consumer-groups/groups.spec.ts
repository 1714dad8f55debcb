import { ErrorCode } from '@sluice/wire';
import { GroupOperator, resetOffsets, type ResetRequest } from '@sluice/groups';
import { PartitionStore } from '@sluice/log';
import { ask, problemIn, type Answer } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { kafkaAt, quickConsumer } from '@sluice/test/support/kafkajs';
import { encodeBatch } from '@sluice/records';
import { storeUnchecked } from '@sluice/test/support/stored';
import { produceTo } from '@sluice/test/support/records-door';
import { sharedRedis, startRedis } from '@sluice/test/support/redis';

let gateway: TestBroker;
let base: string;

beforeAll(async () => {
  gateway = await startBroker({ admin: true });
  base = gateway.adminUrl;
  await gateway.catalog.create({ name: 'orders', partitions: 2, configs: {} });
  for (let at = 0; at < 20; at++) {
    const record = { value: `${at}`, partition: at % 2, timestampMs: 1_000 + at };
    await produceTo(gateway.broker.records, 'orders', [record]);
  }
});
afterAll(async () => {
  await gateway.stop();
  await (await sharedRedis()).stop();
});

const get = (path: string) => ask(base, `/v1/groups${path}`);
const post = (path: string, body: unknown) => {
  return ask(base, `/v1/groups${path}`, { method: 'POST', body });
};
const remove = (path: string) => ask(base, `/v1/groups${path}`, { method: 'DELETE' });

async function commit(groupId: string, offsets: number[]): Promise<void> {
  const { id: topicId } = gateway.catalog.byName('orders')!;
  const { errorCode } = await gateway.groups.commitOffsets({
    groupId,
    generationId: -1,
    memberId: '',
    groupInstanceId: null,
    offsets: offsets.map((offset, partition) => {
      return { topicId, topic: 'orders', partition, offset, leaderEpoch: -1, metadata: 'note' };
    }),
  });
  expect(errorCode).toBe(ErrorCode.NONE);
}

async function lineages(groupId: string): Promise<number[]> {
  const { offsets } = await gateway.groups.fetchOffsets({ groupId, partitions: null });
  return offsets.map(({ lineage }) => lineage);
}

const offsetsIn = ({ json }: Answer) => json.offsets as Record<string, unknown>[];

describe('groups', () => {
  it('are listed by id, a page at a time, with their lag', async () => {
    for (const id of ['a', 'b', 'c']) await commit(`listed-${id}`, [4, 10]);
    const first = await get('?limit=2&after=listed');
    expect(first.json).toEqual({
      groups: ['a', 'b'].map((id) => ({
        groupId: `listed-${id}`,
        state: 'Empty',
        protocolType: '',
        members: 0,
        lag: 6,
      })),
      next: 'listed-b',
    });
    const second = await get(`?limit=2&after=${String(first.json.next)}`);
    expect((second.json.groups as object[])[0]).toMatchObject({ groupId: 'listed-c' });
    expect((await get('?states=Stable&after=listed')).json.groups).toEqual([]);
  });

  it('are described with members, what they read, and their lag', async () => {
    const consumer = kafkaAt(gateway.port).consumer({ groupId: 'reading', ...quickConsumer });
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    await consumer.run({ autoCommitThreshold: 1, eachMessage: () => Promise.resolve() });
    const answer = await eventually(async () => {
      const described = await get('/reading');
      return described.json.lag === 0 && offsetsIn(described).length === 2 && described;
    });
    expect(answer.json).toMatchObject({ state: 'Stable', protocol: 'RoundRobinAssigner' });
    expect(answer.json.members).toMatchObject([
      {
        clientId: 'kafkajs-test',
        clientHost: expect.stringContaining('127.0.0.1'),
        partitions: [
          { topic: 'orders', partition: 0 },
          { topic: 'orders', partition: 1 },
        ],
      },
    ]);
    const reset = await post('/reading/offsets', { to: 'start' });
    expect([reset.status, problemIn(reset)]).toEqual([409, 'group-has-members']);
    const deleted = await remove('/reading');
    expect([deleted.status, problemIn(deleted)]).toEqual([409, 'group-has-members']);
    const body = { partitions: [{ topic: 'orders', partition: 0 }] };
    const offsets = await post('/reading/offsets/delete', body);
    expect([offsets.status, problemIn(offsets)]).toEqual([409, 'group-has-members']);
    await consumer.disconnect();
    expect((await post('/reading/offsets', { to: 'start' })).status).toBe(200);
  });

  it('count what was deleted below the log start as no lag', async () => {
    await gateway.catalog.create({ name: 'trimmed', partitions: 1, configs: {} });
    for (let at = 0; at < 10; at++) {
      await produceTo(gateway.broker.records, 'trimmed', [{ value: 'v' }]);
    }
    const body = { to: 'start', topics: ['trimmed'], create: true };
    expect((await post('/behind/offsets', body)).status).toBe(200);
    expect((await get('/behind')).json.lag).toBe(10);
    const { id: topicId } = gateway.catalog.byName('trimmed')!;
    const store = new PartitionStore(gateway.link);
    await store.deleteRecords({ topic: 'trimmed', topicId, partition: 0 }, 7);
    const answer = await get('/behind');
    expect(answer.json.lag).toBe(3);
    expect(offsetsIn(answer)).toMatchObject([
      { committedOffset: 0, logStartOffset: 7, logEndOffset: 10, lag: 3 },
    ]);
  });
});

describe('a reset', () => {
  const targets: [string, object, number[], boolean[]][] = [
    ['start', { to: 'start' }, [0, 0], [false, false]],
    ['end', { to: 'end' }, [10, 10], [false, false]],
    ['an offset', { to: 'offset', offset: 3 }, [3, 3], [false, false]],
    ['an offset beyond the log', { to: 'offset', offset: 99 }, [10, 10], [true, true]],
    ['a time', { to: 'time', timestampMs: 1_009 }, [5, 4], [false, false]],
    ['a time to come', { to: 'time', timestampMs: 9_999 }, [10, 10], [false, false]],
    ['a shift', { to: 'shift', by: 2 }, [6, 9], [false, false]],
    ['a shift out of the log', { to: 'shift', by: -6 }, [0, 1], [true, false]],
  ];

  it.each(targets)('to %s says what it does, and does it', async (_, body, after, clamped) => {
    await commit('reset', [4, 7]);
    const before = await lineages('reset');
    const expected = [4, 7].map((was, partition) => {
      const place = { topic: 'orders', partition };
      return { ...place, before: was, after: after[partition], clamped: clamped[partition] };
    });
    const dry = await post('/reset/offsets', { ...body, dryRun: true });
    expect(dry.json).toEqual({ groupId: 'reset', dryRun: true, offsets: expected });
    expect(await lineages('reset')).toEqual(before);
    const done = await post('/reset/offsets', body);
    expect(done.json).toEqual({ groupId: 'reset', dryRun: false, offsets: expected });
    const described = await get('/reset');
    expect(offsetsIn(described).map((one) => one.committedOffset)).toEqual(after);
    const raised = await lineages('reset');
    expect(raised.every((lineage) => lineage > Math.max(...before))).toBe(true);
  });

  it('may be of single partitions, of topics, and to given offsets', async () => {
    await commit('chosen', [4, 7]);
    const partitions = [{ topic: 'orders', partition: 1 }];
    const one = await post('/chosen/offsets', { to: 'start', partitions });
    expect(offsetsIn(one)).toHaveLength(1);
    const offsets = [{ topic: 'orders', partition: 0, offset: 9 }];
    await post('/chosen/offsets', { to: 'given', offsets });
    const described = await get('/chosen');
    expect(offsetsIn(described).map((each) => each.committedOffset)).toEqual([9, 0]);
  });

  const two = [0, 1].map((partition) => ({ topic: 'orders', partition, target: { to: 'end' } }));
  it.each<[string, unknown]>([
    ['named themselves', two],
    ['named by their topic', { target: { to: 'end' }, topics: ['orders'] }],
    ['all that are committed', { target: { to: 'end' }, topics: null }],
  ])('takes no more partitions than it may: %s', async (_, partitions) => {
    await commit('wide', [4, 7]);
    const { groups, catalog, link } = gateway;
    const store = new PartitionStore(link);
    const deps = {
      groups,
      catalog,
      store,
      operator: new GroupOperator({ groups, catalog, store }),
    };
    const asked = { groupId: 'wide', partitions, dryRun: true, create: false } as ResetRequest;
    await expect(resetOffsets(deps, { ...asked, partitionsMax: 1 })).rejects.toMatchObject({
      kafkaError: 'INVALID_REQUEST',
      message: expect.stringContaining('2 partitions, and at most 1'),
    });
    expect(await resetOffsets(deps, { ...asked, partitionsMax: 2 })).toHaveLength(2);
  });

  const twice = { topic: 'orders', partition: 0 };
  it.each<[string, string, number, string, unknown]>([
    ['an unknown group', '/none', 404, 'unknown-group', { to: 'start' }],
    ['no target', '/g', 400, 'invalid-request', {}],
    ['an unknown target', '/g', 400, 'invalid-request', { to: 'middle' }],
    ['no offset', '/g', 400, 'invalid-request', { to: 'offset' }],
    ['an offset too many', '/g', 400, 'invalid-request', { to: 'start', offset: 1 }],
    ['no time', '/g', 400, 'invalid-request', { to: 'time' }],
    ['a shift by a fraction', '/g', 400, 'invalid-request', { to: 'shift', by: 0.5 }],
    ['given, but nothing', '/g', 400, 'invalid-request', { to: 'given' }],
    ['an unknown topic', '/g', 404, 'unknown-topic', { to: 'start', topics: ['nothing'] }],
    [
      'an unknown partition',
      '/g',
      404,
      'unknown-topic',
      { to: 'start', partitions: [{ topic: 'orders', partition: 9 }] },
    ],
    [
      'one partition twice',
      '/g',
      400,
      'invalid-request',
      { to: 'end', partitions: [twice, twice] },
    ],
    ['an unknown field', '/g', 400, 'invalid-request', { to: 'start', force: true }],
  ])('is refused for %s, and changes nothing', async (_, path, status, code, body) => {
    await commit('g', [4, 7]);
    const before = await lineages('g');
    const answer = await post(`${path}/offsets`, body);
    expect([answer.status, problemIn(answer)]).toEqual([status, code]);
    expect(await lineages('g')).toEqual(before);
  });
});

describe('what cannot be done', () => {
  it('is named where a batch cannot be read on the way to a time', async () => {
    await gateway.catalog.create({ name: 'torn', partitions: 1, configs: {} });
    const record = { key: null, value: Buffer.from('v'), timestampMs: 1_000 };
    const torn = encodeBatch({ records: [record, record], compression: 'gzip' });
    torn[70]! ^= 0xff;
    await storeUnchecked(gateway, 'torn', torn);
    const partitions = [{ topic: 'torn', partition: 0 }];
    const body = { to: 'time', timestampMs: 500, partitions, create: true };
    const answer = await post('/time/offsets', body);
    expect([answer.status, problemIn(answer)]).toEqual([409, 'unreadable-batch']);
    expect(answer.json.detail).toContain('torn/0');
  });
});

describe('deleting', () => {
  it('takes offsets, and groups', async () => {
    await commit('gone', [1, 2]);
    const body = { partitions: [{ topic: 'orders', partition: 0 }] };
    expect((await post('/gone/offsets/delete', body)).status).toBe(204);
    expect(offsetsIn(await get('/gone'))).toMatchObject([{ partition: 1 }]);
    expect((await remove('/gone')).status).toBe(204);
    for (const answer of [await get('/gone'), await remove('/gone')]) {
      expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-group']);
    }
    const unknown = await post('/gone/offsets/delete', body);
    expect([unknown.status, problemIn(unknown)]).toEqual([404, 'unknown-group']);
  });
});

it('answers 503 while Redis is away', async () => {
  const redis = await startRedis();
  const own = await startBroker({ admin: true, redis });
  await redis.kill();
  await eventually(async () => {
    const answers = [
      await ask(own.adminUrl, '/v1/groups'),
      await ask(own.adminUrl, '/v1/groups/g'),
      await ask(own.adminUrl, '/v1/groups/g', { method: 'DELETE' }),
      await ask(own.adminUrl, '/v1/groups/g/offsets', { method: 'POST', body: { to: 'end' } }),
    ];
    for (const answer of answers) {
      expect([answer.status, problemIn(answer)]).toEqual([503, 'redis-unavailable']);
    }
    return true;
  });
  await own.stop();
  await redis.stop();
});
