import { ask, problemIn, type Answer } from '../../test/ask';
import { configDefinition, configDefinitions } from '@sluice/log';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';

const topic = 'configured';
const path = `/v1/topics/${topic}/configs`;
let gateway: TestBroker;

beforeAll(async () => {
  gateway = await startBroker({ admin: true });
  await gateway.catalog.create({ name: topic, partitions: 1, configs: { 'retention.ms': '5' } });
});

afterAll(async () => (await sharedRedis()).stop());

const look = (): Promise<Answer> => ask(gateway.adminUrl, path);

function patch(configs: unknown, headers: Record<string, string> = {}, query = '') {
  const body = { configs };
  return ask(gateway.adminUrl, `${path}${query}`, { method: 'PATCH', body, headers });
}

function configIn({ json }: Answer, name: string): Record<string, unknown> | undefined {
  return (json.configs as Record<string, unknown>[]).find((config) => config.name === name);
}

test('all configs are listed, with where they come from and what they mean', async () => {
  const answer = await look();
  expect((answer.json.configs as object[]).length).toBe(configDefinitions.length);
  expect(configIn(answer, 'retention.ms')).toMatchObject({
    value: '5',
    source: 'DYNAMIC_TOPIC_CONFIG',
    isDefault: false,
    readOnly: false,
    type: 'LONG',
    documentation: configDefinition('retention.ms')?.documentation,
    synonyms: [{ name: 'retention.ms', value: '5', source: 'DYNAMIC_TOPIC_CONFIG' }],
  });
  expect(configIn(answer, 'cleanup.policy')).toMatchObject({
    value: 'delete',
    source: 'DEFAULT_CONFIG',
    isDefault: true,
    synonyms: [{ name: 'log.cleanup.policy', value: 'delete', source: 'DEFAULT_CONFIG' }],
  });
});

test('a change must say what it is based on', async () => {
  const answer = await patch({ 'retention.ms': '6' });
  expect([answer.status, problemIn(answer)]).toEqual([428, 'if-match-needed']);
  expect(answer.json.detail).toContain('If-Match');
});

test('of two admins who have seen the same, the second is told', async () => {
  const { etag = '' } = (await look()).headers;
  const first = await patch({ 'retention.ms': '7' }, { 'If-Match': etag });
  expect([first.status, configIn(first, 'retention.ms')?.value]).toEqual([200, '7']);
  const second = await patch({ 'retention.ms': '8' }, { 'If-Match': etag });
  expect([second.status, problemIn(second)]).toEqual([412, 'changed-meanwhile']);
  expect(second.headers.etag).toBe(first.headers.etag);
  expect(configIn(await look(), 'retention.ms')?.value).toBe('7');
});

test('two at once: one is done, and the other is told', async () => {
  const { etag = '' } = (await look()).headers;
  const both = await Promise.all([
    patch({ 'segment.ms': '100' }, { 'If-Match': etag }),
    patch({ 'segment.ms': '200' }, { 'If-Match': etag }),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
});

test('null gives the default back, and the rest stays', async () => {
  await patch({ 'retention.ms': '9', 'max.message.bytes': '1000' }, { 'If-Match': '*' });
  const answer = await patch({ 'retention.ms': null }, { 'If-Match': '*' });
  expect(configIn(answer, 'retention.ms')).toMatchObject({ isDefault: true });
  expect(configIn(answer, 'max.message.bytes')).toMatchObject({ value: '1000' });
});

test('a dry run changes nothing', async () => {
  const before = await look();
  const answer = await patch({ 'flush.ms': '4' }, { 'If-Match': '*' }, '?dryRun=true');
  expect(configIn(answer, 'flush.ms')).toMatchObject({ value: '4' });
  expect((await look()).text).toBe(before.text);
});

test('all is changed or nothing', async () => {
  const before = await look();
  const answer = await patch({ 'flush.ms': '4', 'retention.ms': 'x' }, { 'If-Match': '*' });
  expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-config']);
  expect(answer.json.detail).toContain('retention.ms');
  expect((await look()).text).toBe(before.text);
});

test.each(['constructor', 'prototype', '__proto__'])('no config is named %s', async (name) => {
  const answer = await patch(Object.fromEntries([[name, '1']]), { 'If-Match': '*' });
  expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-config']);
});

test.each([
  ['nothing', undefined],
  ['a number', { 'retention.ms': 5 }],
  ['a list', []],
  ['too many', Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`c${i}`, '1']))],
])('configs that are %s are refused', async (_, configs) => {
  const answer = await patch(configs, { 'If-Match': '*' });
  expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
});

test.each(['abc', '"a", "b"', '"'])('If-Match: %s is no ETag', async (value) => {
  const answer = await patch({}, { 'If-Match': value });
  expect([answer.status, problemIn(answer)]).toEqual([400, 'invalid-request']);
});

test('a weak ETag matches nothing', async () => {
  const { etag = '' } = (await look()).headers;
  const answer = await patch({}, { 'If-Match': `W/${etag}` });
  expect([answer.status, problemIn(answer)]).toEqual([412, 'changed-meanwhile']);
});

test('a topic that is not there is a problem', async () => {
  const answer = await ask(gateway.adminUrl, '/v1/topics/none/configs', {
    method: 'PATCH',
    body: { configs: {} },
    headers: { 'If-Match': '*' },
  });
  expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-topic']);
});
