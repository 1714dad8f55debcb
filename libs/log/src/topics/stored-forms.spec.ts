import { silentLogger, systemClock, systemRandom, type LogFields } from '@sluice/base';
import { RedisUnavailable, type RedisLink } from '@sluice/redis';
import { connectLink, freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { registryKeys } from '../keys';
import { TopicCatalog } from './catalog';
import { decodeRecord, encodeRecord, registryMark } from './topic';
import {
  claimScript,
  createScript,
  deleteScript,
  intendScript,
  readScript,
  updateScript,
} from './topic-scripts';

let link: RedisLink;
let catalog: TopicCatalog;
let errors: [string, LogFields?][];

beforeEach(async () => {
  link = await connectLink(await sharedRedis(), { keyPrefix: freshPrefix() });
  errors = [];
  const error = (message: string, fields?: LogFields) => void errors.push([message, fields]);
  const log = { ...silentLogger, error };
  catalog = new TopicCatalog(link, { clock: systemClock, random: systemRandom, log });
});

afterEach(async () => {
  await catalog.stop();
  await link.close();
});

afterAll(async () => (await sharedRedis()).stop());

const keys = () => registryKeys(link.keyPrefix);
const id = 'AAAAAAAAAAAAAAAAAAAAAQ';
const ofNow = { name: 'now', id, partitions: 1, configs: {}, createdAtMs: 5 };
const { name: _, ...rest } = ofNow;
/** As the version before stored it: without a number of its form. */
const ofBefore = { name: 'before', ...rest, prepared: 2 };

describe('a registry', () => {
  it('that is new is made whole, so that no script names a key that is not there', async () => {
    await catalog.start();
    for (const script of [
      readScript,
      intendScript,
      createScript,
      updateScript,
      deleteScript,
      claimScript,
    ]) {
      expect(await script.missingKeys(link.read, keys())).toEqual([]);
    }
    expect(catalog.list()).toEqual([]);
    await catalog.create({ name: 'a', partitions: 1 });
    await catalog.delete('a');
    const { [registryMark]: mark, ...others } = await link.read.hgetall(keys().topics);
    expect(others).toEqual({});
    expect(decodeRecord(mark!)).toMatchObject({ prepared: 0 });
    expect(errors).toEqual([]);
  });

  it('of the version before is served, changed and kept', async () => {
    await link.write.hset(keys().topics, 'before', JSON.stringify(ofBefore));
    await link.write.set(keys().version, '7');
    await catalog.start();
    expect(catalog.byName('before')).toMatchObject({ id, partitions: 1 });
    expect(await link.read.get(keys().version)).toBe('7');
    const changes = [{ name: 'retention.ms', op: 'set' as const, value: '5' }];
    expect(await catalog.setConfigs('before', { changes })).toHaveProperty('updated');
    const stored = JSON.parse((await link.read.hget(keys().topics, 'before'))!);
    expect(stored).toEqual({ ...ofBefore, format: 1, configs: { 'retention.ms': '5' } });
  });
});

describe('a topic in a form that only a newer version knows', () => {
  const newer = JSON.stringify({ format: 2, name: 'newer', what: 'else' });

  beforeEach(async () => {
    const record = { topic: ofNow, prepared: 1 };
    await link.write.hset(keys().topics, { newer, now: encodeRecord(record) });
    await link.write.set(keys().version, '7');
    await catalog.start();
  });

  it('is not served, is named in the log, and the others are served', () => {
    expect(catalog.list().map(({ name }) => name)).toEqual(['now']);
    expect(errors).toEqual([
      ['a topic cannot be read, and is not served', { field: 'newer', error: expect.any(String) }],
    ]);
    expect(errors[0]![1]!['error']).toContain('form 2');
  });

  it('keeps its name, and is not changed', async () => {
    const reply = await catalog.create({ name: 'newer', partitions: 1 });
    expect(reply).toMatchObject({ refused: 'exists' });
    expect(await catalog.delete('newer')).toBeNull();
    const grown = await catalog.addPartitions('newer', 3);
    expect(grown).toMatchObject({ refused: 'unknown-topic' });
    expect(await link.read.hget(keys().topics, 'newer')).toBe(newer);
  });

  it('is seen in the middle of a change, and the change is refused', async () => {
    await link.write.hset(keys().topics, 'now', newer);
    await expect(catalog.addPartitions('now', 3)).rejects.toThrow(RedisUnavailable);
    expect(await link.read.hget(keys().topics, 'now')).toBe(newer);
  });
});
