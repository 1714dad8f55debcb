import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeConfigs, checkConfigs } from './changes';
import type { ConfigChange } from './changes';
import { configDefinitions } from './definitions';
import { topicConfigsMarkdown } from './markdown';
import { resolveConfigs } from './resolve';
import { configTypeCodes } from './values';

const problemOf = (configs: Record<string, string | null>): string => {
  const checked = checkConfigs(configs);
  return 'problem' in checked ? checked.problem : 'no problem';
};

const valueOf = (name: string, text: string): string | undefined => {
  const checked = checkConfigs({ [name]: text });
  return 'ok' in checked ? checked.ok[name] : undefined;
};

const after = (current: Record<string, string>, ...changes: ConfigChange[]) =>
  changeConfigs(current, changes);

describe('the table of topic configs', () => {
  test('names each config once, sorted, with a default that is valid and in stored form', () => {
    const names = configDefinitions.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toHaveLength(38);
    for (const { name, parse, default: fallback } of configDefinitions) {
      expect({ name, parsed: parse(fallback) }).toEqual({ name, parsed: { ok: fallback } });
    }
  });

  test("has Kafka 4's defaults where clients look at them", () => {
    const defaults = Object.fromEntries(configDefinitions.map((one) => [one.name, one.default]));
    expect(defaults).toMatchObject({
      'cleanup.policy': 'delete',
      'compression.type': 'producer',
      'errors.deadletterqueue.group.enable': 'false',
      'max.decompressed.message.bytes': '2147483639',
      'max.message.bytes': '1048588',
      'message.timestamp.after.max.ms': '3600000',
      'message.timestamp.before.max.ms': '9223372036854775807',
      'min.insync.replicas': '1',
      'remote.copy.lag.bytes': '-1',
      'remote.copy.lag.ms': '0',
      'retention.bytes': '-1',
      'retention.ms': '604800000',
    });
  });

  test('says of every config what it means, and a type that DescribeConfigs has', () => {
    for (const { documentation, type, brokerName } of configDefinitions) {
      expect(documentation).toMatch(/^[A-Z].{30,}\.$/);
      expect(configTypeCodes[type]).toBeGreaterThan(0);
      if (brokerName !== null) expect(brokerName).toMatch(/^[a-z0-9.]+$/);
    }
  });

  test('is what docs/topic-configs.md says', () => {
    const file = join(__dirname, '../../../../docs/topic-configs.md');
    expect(readFileSync(file, 'utf8')).toBe(topicConfigsMarkdown());
  });
});

describe('values', () => {
  test.each([
    ['retention.ms', ' -1 ', '-1'],
    ['retention.ms', '+5', '5'],
    ['retention.ms', '9223372036854775807', '9223372036854775807'],
    ['retention.ms', '9223372036854775808', undefined],
    ['retention.ms', '-2', undefined],
    ['retention.ms', '1e3', undefined],
    ['retention.ms', '', undefined],
    ['max.message.bytes', '2147483647', '2147483647'],
    ['max.message.bytes', '2147483648', undefined],
    ['compression.gzip.level', '-1', '-1'],
    ['compression.gzip.level', '0', undefined],
    ['compression.gzip.level', '9', '9'],
    ['compression.zstd.level', '-131072', '-131072'],
    ['preallocate', 'TRUE', 'true'],
    ['preallocate', 'yes', undefined],
    ['min.cleanable.dirty.ratio', '0.25', '0.25'],
    ['min.cleanable.dirty.ratio', '1.01', undefined],
    ['min.cleanable.dirty.ratio', 'NaN', undefined],
    ['message.timestamp.type', 'LogAppendTime', 'LogAppendTime'],
    ['message.timestamp.type', 'logappendtime', undefined],
    ['cleanup.policy', 'compact, delete', 'compact,delete'],
    ['cleanup.policy', 'delete,delete', 'delete'],
    ['cleanup.policy', 'shred', undefined],
    ['leader.replication.throttled.replicas', '*', '*'],
    ['leader.replication.throttled.replicas', '0:1,1:2', '0:1,1:2'],
    ['leader.replication.throttled.replicas', '0-1', undefined],
    ['remote.copy.lag.ms', '-1', '-1'],
    ['remote.copy.lag.bytes', '-2', undefined],
    ['errors.deadletterqueue.group.enable', 'true', 'true'],
    ['max.decompressed.message.bytes', '2147483648', undefined],
    ['remote.storage.enable', 'false', 'false'],
    ['remote.storage.enable', 'true', undefined],
  ])('%s takes %j as %j', (name, text, stored) => {
    expect(valueOf(name, text)).toBe(stored);
  });

  test('a refusal names the config, the rule and the value', () => {
    expect(problemOf({ 'min.insync.replicas': '0' })).toBe(
      "min.insync.replicas: must be 1…2147483647, not '0'",
    );
    expect(problemOf({ 'retention.ms': null })).toBe('retention.ms: a value is needed');
    expect(problemOf({ 'compression.type': 'x'.repeat(9_000) })).toContain('longer than 8192');
  });

  test('an unknown name is refused with the closest known one', () => {
    expect(problemOf({ retention_ms: '1' })).toBe(
      'retention_ms: is not a topic config; did you mean retention.ms?',
    );
    expect(problemOf({ 'Cleanup.Policy': 'delete' })).toContain('did you mean cleanup.policy?');
    expect(problemOf({ zzz: '1' })).toBe('zzz: is not a topic config');
    expect(problemOf({ ['a'.repeat(10_000)]: '1' }).length).toBeLessThan(200);
    expect(problemOf({ constructor: 'x' })).toContain('is not a topic config');
    expect(problemOf({ ['__proto__']: 'x' })).toContain('is not a topic config');
  });

  test('a config of an older Kafka is refused with what became of it', () => {
    expect(problemOf({ 'message.format.version': '2.8' })).toContain('Kafka 4 removed it');
  });

  test('values that contradict each other are refused', () => {
    const both = { 'min.compaction.lag.ms': '11', 'max.compaction.lag.ms': '10' };
    expect(problemOf(both)).toContain('must not exceed');
    expect(problemOf({ ...both, 'max.compaction.lag.ms': '11' })).toBe('no problem');
  });
});

describe('changes', () => {
  test('set, delete, append and subtract do what they say', () => {
    const current = { 'cleanup.policy': 'compact', 'retention.ms': '5' };
    expect(after(current, { name: 'retention.ms', op: 'delete' })).toEqual({
      ok: { 'cleanup.policy': 'compact' },
    });
    expect(after(current, { name: 'retention.ms', op: 'set', value: '7' })).toEqual({
      ok: { 'cleanup.policy': 'compact', 'retention.ms': '7' },
    });
    expect(after(current, { name: 'cleanup.policy', op: 'append', value: 'delete' })).toEqual({
      ok: { 'cleanup.policy': 'compact,delete', 'retention.ms': '5' },
    });
    expect(after(current, { name: 'cleanup.policy', op: 'subtract', value: 'compact' })).toEqual({
      ok: { 'cleanup.policy': '', 'retention.ms': '5' },
    });
  });

  test('a list that was never set starts from its default', () => {
    const append: ConfigChange = { name: 'cleanup.policy', op: 'append', value: 'compact' };
    expect(after({}, append)).toEqual({ ok: { 'cleanup.policy': 'delete,compact' } });
  });

  test('twice is the same as once', () => {
    const append: ConfigChange = { name: 'cleanup.policy', op: 'append', value: 'compact' };
    const once = after({}, append);
    expect(after('ok' in once ? once.ok : {}, append)).toEqual(once);
  });

  test.each<[string, ConfigChange[]]>([
    ['is not a list', [{ name: 'retention.ms', op: 'append', value: '1' }]],
    ['is not a list', [{ name: 'retention.ms', op: 'subtract', value: '1' }]],
    ['a value is needed', [{ name: 'retention.ms', op: 'set', value: null }]],
    ['is not a topic config', [{ name: 'nothing', op: 'delete' }]],
    [
      'named more than once',
      [
        { name: 'retention.ms', op: 'set', value: '1' },
        { name: 'retention.ms', op: 'delete' },
      ],
    ],
  ])('%s', (problem, changes) => {
    expect(after({}, ...changes)).toEqual({ problem: expect.stringContaining(problem) });
  });

  test('a stored config that is no longer known can be deleted, and only that', () => {
    expect(after({ old: '1' }, { name: 'old', op: 'delete' })).toEqual({ ok: {} });
    expect(after({ old: '1' }, { name: 'retention.ms', op: 'set', value: '1' })).toEqual({
      problem: expect.stringContaining('old'),
    });
  });
});

describe('the typed view', () => {
  test('fills in defaults and takes numbers beyond 2^53 as 2^53 - 1', () => {
    const config = resolveConfigs({ configs: { 'retention.bytes': '9223372036854775807' } });
    expect(config).toMatchObject({
      maxMessageBytes: 1_048_588,
      timestampType: 'CreateTime',
      timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
      timestampAfterMaxMs: 3_600_000,
      compressionType: 'producer',
      minInsyncReplicas: 1,
      retentionMs: 604_800_000,
      retentionBytes: Number.MAX_SAFE_INTEGER,
      compacted: false,
      deletesOld: true,
    });
  });

  test('is remembered for as long as the configs are the same object', () => {
    const topic = { configs: { 'cleanup.policy': 'compact' } };
    expect(resolveConfigs(topic)).toBe(resolveConfigs({ ...topic }));
    expect(resolveConfigs(topic)).toMatchObject({ compacted: true, deletesOld: false });
  });
});
