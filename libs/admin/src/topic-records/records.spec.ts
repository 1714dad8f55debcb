import { spawn } from 'node:child_process';
import { ask, problemIn, type Answer } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis, startRedis } from '@sluice/test/support/redis';

let gateway: TestBroker;
let base: string;

beforeAll(async () => {
  gateway = await startBroker({ admin: true });
  base = gateway.adminUrl;
  await gateway.catalog.create({ name: 'orders', partitions: 2, configs: {} });
});
afterAll(async () => {
  await gateway.stop();
  await (await sharedRedis()).stop();
});

const path = (topic: string, rest = '') => `/v1/topics/${topic}/records${rest}`;

function produce(topic: string, body: unknown, headers = {}): Promise<Answer> {
  return ask(base, path(topic), { method: 'POST', body, headers });
}

async function newTopic(name: string, configs: Record<string, string> = {}): Promise<string> {
  await gateway.catalog.create({ name, partitions: 1, configs });
  return name;
}

function deepRecord(depth: number): string {
  return `{"records":[{"value":{"json":${'['.repeat(depth)}${']'.repeat(depth)}}}]}`;
}

const recordsIn = ({ json }: Answer) => json.records as Record<string, unknown>[];

describe('producing and browsing', () => {
  it('answers where each record is, and shows it', async () => {
    const records = [
      { key: 'a', value: { json: { n: 1 } }, partition: 0, headers: [{ name: 'h', value: 'v' }] },
      { key: 'b', value: { base64: '/w==' }, partition: 1, timestampMs: 5 },
    ];
    const answer = await produce('orders', { records, compression: 'zstd' });
    expect(answer.status).toBe(200);
    expect(recordsIn(answer)).toMatchObject([
      { partition: 0, offset: 0 },
      { partition: 1, offset: 0, timestampMs: 5 },
    ]);
    const page = await ask(base, path('orders', '?values=json&limit=1'));
    expect(page.status).toBe(200);
    expect(recordsIn(page)).toMatchObject([{ partition: 1, value: { base64: '/w==', bytes: 1 } }]);
    const next = `?values=json&cursor=${String(page.json.newer)}`;
    expect(recordsIn(await ask(base, path('orders', next)))).toMatchObject([
      { key: { text: 'a' }, value: { json: { n: 1 } }, headers: [{ name: 'h' }] },
    ]);
    const last = await ask(base, path('orders', '?from=end&partition=1'));
    expect(recordsIn(last)).toMatchObject([{ key: { text: 'b' } }]);
    const found = await ask(base, path('orders', '?jsonPointer=/n&jsonEquals=1'));
    expect(recordsIn(found)).toHaveLength(1);
  });

  it('stores JSON with any names as it is', async () => {
    const topic = await newTopic('names');
    const json = '{"constructor":"Ferrari","prototype":"v2","__proto__":{"a":[1]},"laps":3}';
    const answer = await produce(topic, `{"records":[{"value":{"json":${json}}}]}`);
    expect(answer.status).toBe(200);
    const nested = JSON.parse(deepRecord(150)) as object;
    expect((await produce(topic, nested)).status).toBe(200);
    const [record] = recordsIn(await ask(base, path(topic, '?values=json')));
    expect(JSON.stringify((record!.value as { json: unknown }).json)).toBe(json);
  });

  it.each(['constructor', 'prototype', '__proto__'])('knows no field %s', async (name) => {
    const body = `{"records":[{"value":"v"}],"${name}":{"a":1}}`;
    const answer = await produce('orders', body);
    expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
    expect(answer.json.errors).toMatchObject([{ field: name }]);
  });

  it('changes no number: neither one that is sent nor one that is told', async () => {
    const topic = await newTopic('numbers');
    const sent = await produce(topic, '{"records":[{"value":{"json":{"id":9007199254740993}}}]}');
    expect([sent.status, problemIn(sent)]).toEqual([400, 'invalid-json']);
    expect(sent.json.detail).toContain('9007199254740993');
    const values = ['{"id":9007199254740993}', '{"id":9007199254740992}'];
    await produce(topic, { records: values.map((value) => ({ value })) });
    expect(recordsIn(await ask(base, path(topic, '?values=json')))).toMatchObject([
      { value: { text: values[0] } },
      { value: { json: { id: 9007199254740992 } } },
    ]);
  });

  it('answers 207 where some are stored, and a problem where none is', async () => {
    const topic = await newTopic('compacted', { 'cleanup.policy': 'compact' });
    const large = { key: 'k', value: 'x'.repeat(2_000_000) };
    const some = await produce(topic, { records: [{ key: 'k', value: 'v' }, large] });
    expect(some.status).toBe(207);
    expect(recordsIn(some)).toMatchObject([
      { offset: 0 },
      { error: { code: 'record-too-large', kafkaError: 'MESSAGE_TOO_LARGE', retriable: false } },
    ]);
    const none = await produce(topic, { records: [{ value: 'no key' }] });
    expect([none.status, problemIn(none)]).toEqual([422, 'record-refused']);
    expect(none.json.errors).toMatchObject([{ field: 'records[0]' }]);
  });

  it('answers 202 where nobody waits', async () => {
    const answer = await produce('orders', { records: [{ value: 'v' }], acks: 'none' });
    expect([answer.status, answer.json.records]).toEqual([202, null]);
  });

  it('does a request once by its Idempotency-Key, also at another gateway', async () => {
    const topic = await newTopic('once');
    const headers = { 'Idempotency-Key': 'order 17' };
    const body = { records: [{ value: '1' }, { value: '2' }] };
    const first = await produce(topic, body, headers);
    const second = await produce(topic, body, headers);
    expect(second.json).toEqual(first.json);
    expect(second.headers['idempotency-replayed']).toBe('true');
    const other = await startBroker({ admin: true, keyPrefix: gateway.keyPrefix });
    const there = { method: 'POST', body, headers };
    expect((await ask(other.adminUrl, path(topic), there)).json).toEqual(first.json);
    await other.stop();
    const wrong = await produce(topic, { records: [{ value: '1' }] }, headers);
    expect([wrong.status, problemIn(wrong)]).toEqual([422, 'idempotency-key-reused']);
    expect(recordsIn(await ask(base, path(topic)))).toHaveLength(2);
  });

  const one = { records: [{ value: 'v' }] };
  it.each<[string, number, string, unknown, Record<string, string>?]>([
    ['no body', 400, 'invalid-request', undefined],
    ['no records', 400, 'invalid-request', {}],
    ['an empty list', 400, 'invalid-request', { records: [] }],
    ['no list', 400, 'invalid-request', { records: {} }],
    ['records of another kind', 400, 'invalid-request', { records: [1] }],
    ['a field that is not known', 400, 'invalid-request', { ...one, ack: 1 }],
    ['acks that are not known', 400, 'invalid-request', { ...one, acks: '2' }],
    ['a compression that is not known', 400, 'invalid-request', { ...one, compression: 'rar' }],
    ['no base64', 400, 'invalid-request', { records: [{ value: { base64: '?' } }] }],
    ['an unknown partition', 404, 'unknown-partition', { records: [{ partition: 9 }] }],
    ['an empty Idempotency-Key', 400, 'invalid-request', one, { 'Idempotency-Key': '' }],
    ['too many records', 400, 'invalid-request', { records: Array.from({ length: 10_001 }) }],
    ['no JSON', 400, 'invalid-json', '{'],
    ['JSON that is nested too deep', 400, 'invalid-json', '['.repeat(201) + ']'.repeat(201)],
    ['JSON that is nested far too deep', 400, 'invalid-json', deepRecord(100_000)],
    ['more than a body may have', 413, 'body-too-large', 'x'.repeat(5_000_000)],
  ])('refuses %s', async (_, status, code, body, ...[headers]) => {
    const before = (await ask(base, path('orders', '?from=end&limit=1'))).json.newer;
    const answer = await produce('orders', body, headers);
    expect([answer.status, problemIn(answer)]).toEqual([status, code]);
    expect((await ask(base, path('orders', '?from=end&limit=1'))).json.newer).toBe(before);
  });

  it.each([
    ['?partition=7', 404, 'unknown-partition'],
    ['?partition=-1', 400, 'invalid-request'],
    ['?partition=x', 400, 'invalid-request'],
    ['?limit=0', 400, 'invalid-request'],
    ['?limit=1001', 400, 'invalid-request'],
    ['?from=middle', 400, 'invalid-request'],
    ['?from=start&offset=1', 400, 'invalid-request'],
    ['?direction=up', 400, 'invalid-request'],
    ['?cursor=nonsense', 400, 'invalid-request'],
    ['?values=xml', 400, 'invalid-request'],
    ['?bytesMax=9999999', 400, 'invalid-request'],
    [`?contains=${'x'.repeat(1_025)}`, 400, 'invalid-request'],
    ['?jsonEquals=1', 400, 'invalid-request'],
    ['?jsonPointer=a', 400, 'invalid-request'],
    ['?regex=.*', 400, 'invalid-request'],
  ])('refuses to browse %s', async (query, status, code) => {
    const answer = await ask(base, path('orders', query));
    expect([answer.status, problemIn(answer)]).toEqual([status, code]);
  });

  it('knows no topic that there is not', async () => {
    for (const answer of [
      await ask(base, path('nothing')),
      await ask(base, path('nothing', '/tail')),
      await produce('nothing', one),
    ]) {
      expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-topic']);
    }
  });

  it('answers 503 while Redis is away, and writes nothing', async () => {
    const redis = await startRedis();
    const own = await startBroker({ admin: true, redis, hotBytesMax: 0 });
    await own.catalog.create({ name: 'away', partitions: 1, configs: {} });
    const post = (headers = {}) => {
      return ask(own.adminUrl, path('away'), { method: 'POST', body: one, headers });
    };
    expect((await post()).status).toBe(200);
    await redis.kill();
    const answers = await eventually(async () => {
      const all = [
        await ask(own.adminUrl, path('away')),
        await post(),
        await post({ 'Idempotency-Key': 'k' }),
      ];
      return all.every(({ status }) => status === 503) && all;
    });
    for (const answer of answers) {
      expect(problemIn(answer)).toBe('redis-unavailable');
      expect(answer.headers['retry-after']).toBe('1');
    }
    await redis.restart();
    await eventually(async () => (await post({ 'Idempotency-Key': 'k' })).status === 200);
    const page = await ask(own.adminUrl, path('away'));
    expect(recordsIn(page)).toHaveLength(2);
    await own.stop();
    await redis.stop();
  });
});

/** curl, which prints events as they come. */
function curl(url: string, ...more: string[]) {
  const child = spawn('curl', ['-sN', ...more, url]);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return { seen: () => text, stop: () => child.kill(), closed };
}

describe('tailing', () => {
  it('is what curl prints, and goes on by Last-Event-ID', async () => {
    const topic = await newTopic('tailed');
    const first = curl(`${base}${path(topic, '/tail')}`);
    await eventually(() => first.seen().includes('event: position'));
    await produce(topic, { records: [{ value: 'one' }] });
    await eventually(() => first.seen().includes('"one"'));
    const [, id] = /event: record\nid: (\S+)\ndata: \{.*"one"/.exec(first.seen())!;
    first.stop();
    await first.closed;
    await produce(topic, { records: [{ value: 'two' }] });
    const second = curl(`${base}${path(topic, '/tail')}`, '-H', `Last-Event-ID: ${id}`);
    await eventually(() => second.seen().includes('"two"'));
    expect(second.seen()).not.toContain('"one"');
    await eventually(() => gateway.broker.records.tailCount === 1);
    second.stop();
    await eventually(() => gateway.broker.records.tailCount === 0);
  });

  it('ends when the topic is deleted, and when the gateway stops', async () => {
    const topic = await newTopic('short-lived');
    const tail = curl(`${base}${path(topic, '/tail')}`);
    await eventually(() => tail.seen().includes('event: position'));
    await gateway.catalog.delete(topic);
    await tail.closed;
    expect(tail.seen()).toContain('event: end\ndata: {"reason":"topic-deleted"}');
    const own = await startBroker({ admin: true });
    await own.catalog.create({ name: 'stopped', partitions: 1, configs: {} });
    const other = curl(`${own.adminUrl}${path('stopped', '/tail')}`);
    await eventually(() => other.seen().includes('event: position'));
    await own.stop();
    await other.closed;
    expect(other.seen()).toContain('event: end\ndata: {"reason":"stopped"}');
  });

  it('keeps little for one that does not read', async () => {
    const topic = await newTopic('unread');
    const value = 'x'.repeat(500_000);
    for (let i = 0; i < 40; i++) await produce(topic, { records: [{ value }] });
    const before = process.memoryUsage().arrayBuffers;
    const slow = spawn('curl', [
      '-sN',
      '--limit-rate',
      '1k',
      `${base}${path(topic, '/tail?from=start&bytesMax=1048576')}`,
    ]);
    await eventually(() => gateway.broker.records.tailCount === 1);
    const page = await ask(base, path(topic, '?limit=1'));
    expect(page.status).toBe(200);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    slow.kill();
    await eventually(() => gateway.broker.records.tailCount === 0);
  });

  it('refuses what cannot be meant before anything is sent', async () => {
    const topic = await newTopic('refused');
    const answer = await ask(base, path(topic, '/tail'), { headers: { 'Last-Event-ID': 'x' } });
    expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
    const query = await ask(base, path(topic, '/tail?cursor=x'));
    expect([query.status, problemIn(query)]).toEqual([400, 'invalid-request']);
  });
});
