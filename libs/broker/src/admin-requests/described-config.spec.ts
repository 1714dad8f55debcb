import { defaultGroupLimits } from '@sluice/groups';
import { configDefinition, configDefinitions } from '@sluice/log';
import type { BrokerServices } from '../requests/context';
import { defaultBrokerOptions } from '../options';
import { describeBrokerConfigs } from './broker-configs';
import { ConfigSource } from './config-codes';
import { configsAskedFor, describeTopicConfigs } from './described-config';

const all = { configurationKeys: null, includeSynonyms: true, includeDocumentation: true };

describe('configs of a topic', () => {
  test('are all listed, with where each value comes from', () => {
    const configs = configsAskedFor(
      describeTopicConfigs({ configs: { 'retention.ms': '5' } }),
      all,
    );
    expect(configs.map(({ name }) => name)).toEqual(configDefinitions.map(({ name }) => name));
    expect(configs.find(({ name }) => name === 'retention.ms')).toMatchObject({
      value: '5',
      configSource: ConfigSource.DYNAMIC_TOPIC_CONFIG,
      readOnly: false,
      configType: 5,
      documentation: configDefinition('retention.ms')?.documentation,
      // Kafka's brokers have a default of log.retention.hours, and none of log.retention.ms.
      synonyms: [{ name: 'retention.ms', value: '5', source: 1 }],
    });
    expect(configs.find(({ name }) => name === 'cleanup.policy')).toMatchObject({
      value: 'delete',
      configSource: ConfigSource.DEFAULT_CONFIG,
      synonyms: [{ name: 'log.cleanup.policy', value: 'delete', source: 5 }],
    });
  });

  test('are only those that were asked for, and no more is told of them than that', () => {
    const asked = configsAskedFor(describeTopicConfigs({ configs: {} }), {
      configurationKeys: ['retention.ms', 'no.such.config'],
      includeSynonyms: false,
      includeDocumentation: false,
    });
    expect(asked).toMatchObject([{ name: 'retention.ms', synonyms: [], documentation: null }]);
  });

  test('are all listed where an empty list of names is asked for, as in Kafka', () => {
    const configs = describeTopicConfigs({ configs: {} });
    const listed = configsAskedFor(configs, { ...all, configurationKeys: [] });
    expect(listed).toEqual(configsAskedFor(configs, all));
  });

  test('have no synonym at their default where brokers have no such default', () => {
    const configs = describeTopicConfigs({ configs: {} });
    const without = configs.filter(({ synonyms }) => synonyms.length === 0);
    expect(without.map(({ name, source }) => [name, source])).toEqual(
      [
        'errors.deadletterqueue.group.enable',
        'flush.ms',
        'follower.replication.throttled.replicas',
        'leader.replication.throttled.replicas',
        'remote.log.copy.disable',
        'remote.log.delete.on.disable',
        'remote.storage.enable',
        'retention.ms',
        'segment.jitter.ms',
        'segment.ms',
        'sluice.ack.disk',
      ].map((name) => [name, ConfigSource.DEFAULT_CONFIG]),
    );
  });
});

describe('configs of the broker', () => {
  const services = {
    options: { ...defaultBrokerOptions, port: 0, defaultPartitions: 4 },
    cluster: { selfId: 7, brokers: () => [{ id: 7, host: '::1', port: 19092 }] },
    groups: { limits: { ...defaultGroupLimits, sessionTimeoutMsMin: 1000 } },
    redis: { keyPrefix: 'shop:' },
  } as unknown as BrokerServices;
  const configs = describeBrokerConfigs(services);
  const sourceOf = (name: string) => configs.find((config) => config.name === name)?.source;
  const valueOf = (name: string) => configs.find((config) => config.name === name)?.value;

  test('are read-only, sorted, and named once', () => {
    const names = configs.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(configs.every(({ readOnly }) => readOnly)).toBe(true);
  });

  test('tell the settings, and the defaults of topics', () => {
    expect(valueOf('broker.id')).toBe('7');
    expect(valueOf('listeners')).toBe('PLAINTEXT://[::]:19092');
    expect(valueOf('advertised.listeners')).toBe('PLAINTEXT://[::1]:19092');
    expect(valueOf('log.dirs')).toBe('redis:shop:');
    expect(valueOf('socket.request.max.bytes')).toBe('104857600');
    expect(valueOf('message.max.bytes')).toBe('1048588');
    expect(valueOf('group.min.session.timeout.ms')).toBe('1000');
    expect(valueOf('offsets.retention.minutes')).toBe('10080');
    const { DEFAULT_CONFIG, STATIC_BROKER_CONFIG } = ConfigSource;
    expect(sourceOf('num.partitions')).toBe(STATIC_BROKER_CONFIG);
    expect(sourceOf('group.min.session.timeout.ms')).toBe(STATIC_BROKER_CONFIG);
    expect(sourceOf('group.max.session.timeout.ms')).toBe(DEFAULT_CONFIG);
    expect(sourceOf('auto.create.topics.enable')).toBe(DEFAULT_CONFIG);
  });
});
