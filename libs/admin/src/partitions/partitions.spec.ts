import { appendRecord } from '../../test/append';
import { ask, problemIn, type Answer } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';

const base = '/v1/topics/log/partitions';
let gateway: TestBroker;

beforeAll(async () => {
  gateway = await startBroker({ admin: true, brokerId: 7 });
  await gateway.catalog.create({ name: 'log', partitions: 5 });
  for (let i = 0; i < 4; i++) await appendRecord(gateway, 'log', { partition: 1, timestampMs: i });
});

afterAll(async () => (await sharedRedis()).stop());

const get = (path: string): Promise<Answer> => ask(gateway.adminUrl, path);
const trim = (path: string): Promise<Answer> => ask(gateway.adminUrl, path, { method: 'DELETE' });

function numbersIn({ json }: Answer): number[] {
  return (json.partitions as { partition: number }[]).map(({ partition }) => partition);
}

test('are listed a page after the other', async () => {
  const first = await get(`${base}?limit=2`);
  expect([numbersIn(first), first.json.next]).toEqual([[0, 1], 1]);
  const second = await get(`${base}?limit=3&after=1`);
  expect([numbersIn(second), second.json.next]).toEqual([[2, 3, 4], null]);
  expect(numbersIn(await get(`${base}?after=99`))).toEqual([]);
});

test('tell leader, bounds and sizes', async () => {
  const { json } = await get(`${base}/1`);
  expect(json).toMatchObject({
    partition: 1,
    leader: 7,
    leaderEpoch: 0,
    logStartOffset: 0,
    logEndOffset: 4,
    records: 4,
    batches: 4,
    maxTimestamp: '1970-01-01T00:00:00.003Z',
    produced: { recordsPerSecond: expect.any(Number), bytesPerSecond: expect.any(Number) },
    consumed: { recordsPerSecond: 0, bytesPerSecond: 0 },
    memoryBytes: expect.any(Number),
  });
  expect(json.bytes).toBeGreaterThan(4 * 61);
  expect(json.memoryBytes).toBeGreaterThan(json.bytes as number);
  expect((await get(`${base}/0`)).json).toMatchObject({ records: 0, maxTimestamp: null });
});

test("tell Redis' memory in lists only where it is asked for", async () => {
  const [without] = (await get(`${base}?limit=1`)).json.partitions as object[];
  expect(without).not.toHaveProperty('memoryBytes');
  const [withIt] = (await get(`${base}?limit=1&memory=true`)).json.partitions as object[];
  expect(withIt).toMatchObject({ memoryBytes: expect.any(Number) });
});

test.each(['after=-1', 'after=x', 'limit=0', 'limit=1001', 'memory=2', 'other=1'])(
  '%s is refused',
  async (query) => {
    const answer = await get(`${base}?${query}`);
    expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
  },
);

test('of a number that is none, or too high, there are none', async () => {
  for (const number of ['x', '-1', '1.5', '99999999999']) {
    const answer = await get(`${base}/${number}`);
    expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
  }
  const answer = await get(`${base}/5`);
  expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-partition']);
  expect(answer.json.detail).toContain('0 to 4');
});

function of(topic: string, query: string, partition = '0'): string {
  return `/v1/topics/${topic}/partitions/${partition}/records${query}`;
}

async function start(): Promise<unknown> {
  return (await get('/v1/topics/trimmed/partitions/0')).json.logStartOffset;
}

describe('records', () => {
  beforeEach(async () => {
    await gateway.catalog.delete('trimmed');
    await gateway.catalog.create({ name: 'trimmed', partitions: 1 });
    for (let i = 0; i < 5; i++) await appendRecord(gateway, 'trimmed');
  });

  test('are deleted up to an offset', async () => {
    expect((await trim(of('trimmed', '?before=3'))).json).toEqual({
      logStartOffset: 3,
      records: 3,
      dryRun: false,
    });
    expect(await start()).toBe(3);
    // The log start does not go back.
    expect((await trim(of('trimmed', '?before=2'))).json).toMatchObject({
      logStartOffset: 3,
      records: 0,
    });
  });

  test('are all deleted', async () => {
    expect((await trim(of('trimmed', '?before=end'))).json).toMatchObject({ logStartOffset: 5 });
    expect(await start()).toBe(5);
  });

  test('stay in a dry run', async () => {
    for (const [before, logStartOffset] of [
      ['2', 2],
      ['end', 5],
    ] as const) {
      const { json } = await trim(of('trimmed', `?before=${before}&dryRun=true`));
      expect(json).toEqual({ logStartOffset, records: logStartOffset, dryRun: true });
    }
    expect(await start()).toBe(0);
  });

  test.each(['?before=6', '?before=6&dryRun=true'])('behind the end: %s', async (query) => {
    const answer = await trim(of('trimmed', query));
    expect([answer.status, problemIn(answer)]).toEqual([409, 'offset-out-of-range']);
    expect(await start()).toBe(0);
  });

  test.each(['', '?before=', '?before=-1', '?before=1.5', '?before=start', '?before=9e9', '?x=1'])(
    'without an offset: %j',
    async (query) => {
      const answer = await trim(of('trimmed', query));
      expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
      expect(await start()).toBe(0);
    },
  );

  test('of what is not there', async () => {
    const topic = await trim(of('none', '?before=1'));
    expect([topic.status, problemIn(topic)]).toEqual([404, 'unknown-topic']);
    const partition = await trim(of('trimmed', '?before=1', '1'));
    expect([partition.status, problemIn(partition)]).toEqual([404, 'unknown-partition']);
  });
});
