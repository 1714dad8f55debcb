import { ask, problemIn, type Answer } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';

let gateway: TestBroker;
let base: string;

beforeAll(async () => {
  gateway = await startBroker({ admin: true, defaultPartitions: 3 });
  base = gateway.adminUrl;
});

afterAll(async () => (await sharedRedis()).stop());

function post(path: string, body: unknown): Promise<Answer> {
  return ask(base, path, { method: 'POST', body });
}

async function create(name: string, more: object = {}): Promise<Answer> {
  const answer = await post('/v1/topics', { name, ...more });
  expect(answer.status).toBe(201);
  return answer;
}

function remove(name: string, query = '', headers = {}): Promise<Answer> {
  return ask(base, `/v1/topics/${name}${query}`, { method: 'DELETE', headers });
}

function namesIn({ json }: Answer): string[] {
  return (json.topics as { name: string }[]).map(({ name }) => name);
}

function fieldsIn({ json }: Answer): string[] {
  return ((json.errors ?? []) as { field: string }[]).map(({ field }) => field);
}

describe('creating a topic', () => {
  test('answers it, and where it is', async () => {
    const answer = await create('made', { partitions: 2, configs: { 'retention.ms': ' 60000 ' } });
    expect(answer.headers.location).toBe('/v1/topics/made');
    expect(answer.json).toMatchObject({
      name: 'made',
      partitions: 2,
      internal: false,
      configs: { 'retention.ms': '60000' },
    });
    expect(answer.headers.etag).toBe(`"${String(answer.json.version)}"`);
    expect(gateway.catalog.byName('made')?.partitions).toBe(2);
  });

  test('takes the default number of partitions', async () => {
    expect((await create('by-default')).json.partitions).toBe(3);
  });

  test('as a dry run checks all and makes nothing', async () => {
    const answer = await post('/v1/topics?dryRun=true', { name: 'dry', partitions: 4 });
    expect([answer.status, answer.json.partitions]).toEqual([200, 4]);
    expect(answer.headers).not.toHaveProperty('location');
    expect(gateway.catalog.byName('dry')).toBeUndefined();
    const refused = await post('/v1/topics?dryRun', { name: 'by-default', partitions: 4 });
    expect([refused.status, problemIn(refused)]).toEqual([409, 'topic-exists']);
  });

  test.each([
    ['nothing', undefined, ['name']],
    ['no name', { partitions: 1 }, ['name']],
    ['an empty name', { name: '' }, ['name']],
    ['a name that is a number', { name: 7 }, ['name']],
    ['a name that is too long', { name: 'n'.repeat(250) }, ['name']],
    ['no partitions', { name: 'a', partitions: 0 }, ['partitions']],
    ['half a partition', { name: 'a', partitions: 1.5 }, ['partitions']],
    ['partitions as a text', { name: 'a', partitions: '2' }, ['partitions']],
    ['null for partitions', { name: 'a', partitions: null }, ['partitions']],
    ['a config that is a number', { name: 'a', configs: { 'retention.ms': 1 } }, ['configs']],
    ['configs that are a list', { name: 'a', configs: [] }, ['configs']],
    ['what is not known', { name: 'a', replicas: 2 }, ['replicas']],
    ['two mistakes', { name: 7, partitions: -1 }, ['name', 'partitions']],
    ['a list', [{ name: 'a' }], ['']],
    ['a text', '"a"', ['']],
    ['null', 'null', ['']],
  ])('with %s is refused, and the field is named', async (_, body, fields) => {
    const answer = await post('/v1/topics', body);
    expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
    expect(fieldsIn(answer).sort()).toEqual(fields);
  });

  test.each([
    ['a name that no topic may have', { name: 'a b' }, 400, 'invalid-topic'],
    ['the name ..', { name: '..' }, 400, 'invalid-topic'],
    ['too many partitions', { name: 'many', partitions: 10_001 }, 400, 'invalid-partitions'],
    ['an unknown config', { name: 'a', configs: { 'retention.mss': '1' } }, 400, 'invalid-config'],
    ['a bad value', { name: 'a', configs: { 'retention.ms': 'long' } }, 400, 'invalid-config'],
    ['a name that is taken', { name: 'taken.name' }, 409, 'topic-exists'],
    ['a name too like another', { name: 'taken_name' }, 400, 'invalid-topic'],
  ])('with %s is refused as Kafka refuses it', async (_, body, status, code) => {
    await gateway.catalog.create({ name: 'taken.name', partitions: 1 });
    const answer = await post('/v1/topics', body);
    expect([answer.status, problemIn(answer)]).toEqual([status, code]);
  });
});

describe('listing topics', () => {
  let own: TestBroker;
  const names = ['a.1', 'a.2', 'a.3', 'b.1', '__hidden'];

  beforeAll(async () => {
    own = await startBroker({ admin: true });
    for (const name of names) {
      await own.catalog.create({ name, partitions: 2 });
    }
  });

  test('gives them by name, and hides internal ones', async () => {
    expect(namesIn(await ask(own.adminUrl, '/v1/topics'))).toEqual(['a.1', 'a.2', 'a.3', 'b.1']);
    const all = await ask(own.adminUrl, '/v1/topics?internal=true');
    expect(namesIn(all)).toEqual(['__hidden', 'a.1', 'a.2', 'a.3', 'b.1']);
  });

  test('gives a page after the other', async () => {
    const seen: string[] = [];
    let after: unknown = '';
    do {
      const page = await ask(own.adminUrl, `/v1/topics?limit=2&after=${String(after)}`);
      expect(namesIn(page).length).toBeLessThanOrEqual(2);
      seen.push(...namesIn(page));
      after = page.json.next;
    } while (after !== null);
    expect(seen).toEqual(['a.1', 'a.2', 'a.3', 'b.1']);
  });

  test('gives those with a text in their name', async () => {
    expect(namesIn(await ask(own.adminUrl, '/v1/topics?name=.1'))).toEqual(['a.1', 'b.1']);
    expect(namesIn(await ask(own.adminUrl, '/v1/topics?name=nothing'))).toEqual([]);
  });

  test('tells sizes where they are asked for', async () => {
    const { json } = await ask(own.adminUrl, '/v1/topics?limit=1&sizes=true');
    expect(json.topics).toMatchObject([{ name: 'a.1', size: { records: 0, bytes: 0 } }]);
    const [without] = (await ask(own.adminUrl, '/v1/topics?limit=1')).json.topics as object[];
    expect(without).not.toHaveProperty('size');
  });

  test.each(['limit=0', 'limit=1001', 'limit=x', 'limit=', 'limit=1.5', 'limit=1&limit=2'])(
    '%s is refused',
    async (query) => {
      const answer = await ask(own.adminUrl, `/v1/topics?${query}`);
      expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
      expect(fieldsIn(answer)).toEqual(['?limit']);
    },
  );

  test.each([
    ['internal=maybe', '?internal'],
    ['after=a&after=b', '?after'],
    [`name=${'n'.repeat(250)}`, '?name'],
    ['page=2', '?page'],
  ])('%s is refused', async (query, field) => {
    const answer = await ask(own.adminUrl, `/v1/topics?${query}`);
    expect([answer.status, fieldsIn(answer)]).toEqual([400, [field]]);
  });
});

describe('a topic', () => {
  test('is described with its size', async () => {
    await create('described', { partitions: 2 });
    const { status, json, headers } = await ask(base, '/v1/topics/described');
    expect(status).toBe(200);
    expect(json).toMatchObject({ name: 'described', size: { records: 0, bytes: 0 } });
    expect(headers.etag).toBe(`"${String(json.version)}"`);
  });

  test.each(['/v1/topics/none', '/v1/topics/none/configs', '/v1/topics/none/partitions'])(
    'that is not there is a problem: %s',
    async (path) => {
      const answer = await ask(base, path);
      expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-topic']);
    },
  );

  test('gets more partitions, and no fewer', async () => {
    await create('growing', { partitions: 2 });
    const path = '/v1/topics/growing/partitions';
    const dry = await post(`${path}?dryRun=true`, { total: 5 });
    expect([dry.status, dry.json.partitions]).toEqual([200, 5]);
    expect(gateway.catalog.byName('growing')?.partitions).toBe(2);
    const grown = await post(path, { total: 5 });
    expect([grown.status, grown.json.partitions]).toEqual([200, 5]);
    for (const total of [5, 4, 10_001]) {
      const answer = await post(path, { total });
      expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-partitions']);
    }
    const missing = await post(path, {});
    expect([missing.status, fieldsIn(missing)]).toEqual([400, ['total']]);
    const unknown = await post('/v1/topics/none/partitions', { total: 5 });
    expect([unknown.status, problemIn(unknown)]).toEqual([404, 'unknown-topic']);
  });

  test('is deleted, unless it is a dry run', async () => {
    await create('leaving', { partitions: 1 });
    const dry = await remove('leaving', '?dryRun=true');
    expect(dry.json).toMatchObject({ deleted: { name: 'leaving', size: {} }, dryRun: true });
    const stale = await remove('leaving', '', { 'If-Match': '"other"' });
    expect([stale.status, problemIn(stale)]).toEqual([412, 'changed-meanwhile']);
    expect(gateway.catalog.byName('leaving')).toBeDefined();
    const real = await remove('leaving', '', { 'If-Match': stale.headers.etag });
    expect([real.status, real.json.dryRun]).toEqual([200, false]);
    expect(gateway.catalog.byName('leaving')).toBeUndefined();
    const again = await remove('leaving');
    expect([again.status, problemIn(again)]).toEqual([404, 'unknown-topic']);
  });
});
