import { RawClient } from '@sluice/test/support/raw-client';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';
import {
  AlterConfigs,
  CreateTopics,
  DescribeConfigs,
  ErrorCode,
  IncrementalAlterConfigs,
  type RequestInput,
} from '@sluice/wire';

const topic = 2;
const broker = 4;
const group = 32;
const set = 0;
const remove = 1;
const append = 2;
const subtract = 3;

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker({ brokerId: 7, defaultPartitions: 3 });
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

async function createTopic(name: string, configs: Record<string, string> = {}): Promise<void> {
  const given = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const asked = { name, numPartitions: 1, replicationFactor: 1, configs: given };
  const { topics } = await client.send(CreateTopics, 7, { topics: [asked] });
  expect(topics).toMatchObject([{ errorCode: 0 }]);
}

/** The configs of a topic that do not have their default. */
function own(name: string): Record<string, string> {
  return { ...host.catalog.byName(name)?.configs };
}

/** Describes one resource. */
const describeOne = async (
  resource: RequestInput<typeof DescribeConfigs>['resources'][number],
  more: { version?: number; includeSynonyms?: boolean; includeDocumentation?: boolean } = {},
) => {
  const { version = 4, ...flags } = more;
  const request = { resources: [resource], ...flags };
  const { results } = await client.send(DescribeConfigs, version, request);
  expect(results).toHaveLength(1);
  return results[0]!;
};

describe('DescribeConfigs', () => {
  test.each([1, 4])('v%i tells all configs of a topic', async (version) => {
    const resourceName = `described-v${version}`;
    await createTopic(resourceName, { 'retention.ms': '1000' });
    const asked = { resourceType: topic, resourceName, configurationKeys: null };
    const plain = await describeOne(asked, { version });
    expect(plain).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      resourceType: 2,
      resourceName,
    });
    expect(plain.configs).toHaveLength(38);
    const retention = plain.configs.find(({ name }) => name === 'retention.ms');
    expect(retention).toMatchObject({ value: '1000', configSource: 1, synonyms: [] });
    const full = await describeOne(asked, {
      version,
      includeSynonyms: true,
      includeDocumentation: true,
    });
    expect(full.configs.find(({ name }) => name === 'retention.ms')).toMatchObject({
      synonyms: [{ name: 'retention.ms', value: '1000', source: 1 }],
      configType: version >= 3 ? 5 : 0,
      documentation: version >= 3 ? expect.stringContaining('How long records are kept') : null,
    });
  });

  test('tells only the configs that were asked for', async () => {
    await createTopic('asked-for');
    const configurationKeys = ['cleanup.policy', 'no.such.config'];
    const asked = { resourceType: topic, resourceName: 'asked-for', configurationKeys };
    const { configs } = await describeOne(asked);
    expect(configs).toMatchObject([{ name: 'cleanup.policy', value: 'delete', configSource: 5 }]);
    const all = await describeOne({ ...asked, configurationKeys: [] });
    expect(all.configs).toHaveLength(38);
  });

  test.each(['7', ''])('tells the configs of the broker by the name %j', async (resourceName) => {
    const asked = { resourceType: broker, resourceName, configurationKeys: null };
    const { errorCode, configs } = await describeOne(asked, { includeSynonyms: true });
    expect(errorCode).toBe(ErrorCode.NONE);
    expect(configs.every(({ readOnly }) => readOnly)).toBe(true);
    const values = Object.fromEntries(configs.map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({
      'broker.id': '7',
      'num.partitions': '3',
      'default.replication.factor': '1',
      'auto.create.topics.enable': 'true',
      'log.retention.ms': '604800000',
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${host.port}`,
    });
  });

  test.each([
    ['an unknown topic', topic, 'nowhere', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['an impossible topic', topic, 'no where', 'INVALID_TOPIC_EXCEPTION'],
    ['another broker', broker, '8', 'INVALID_REQUEST'],
    ['a group', group, 'some', 'INVALID_REQUEST'],
    ['a type that nobody knows', 99, 'some', 'INVALID_REQUEST'],
  ] as const)('refuses %s', async (_, resourceType, resourceName, error) => {
    const asked = { resourceType, resourceName, configurationKeys: null };
    const refused = await describeOne(asked);
    expect(refused).toMatchObject({ errorCode: ErrorCode[error], resourceType, configs: [] });
    expect(refused.errorMessage).toMatch(/.{10}/);
  });
});

/** A resource that is to have these configs, with the value 1. */
const one = (resourceType: number, resourceName: string, ...names: string[]) => ({
  resourceType,
  resourceName,
  configs: names.map((name) => ({ name, value: '1' })),
});

describe('AlterConfigs', () => {
  test.each([0, 2])('v%i replaces all configs of a topic', async (version) => {
    const resourceName = `replaced-v${version}`;
    await createTopic(resourceName, { 'retention.ms': '1000', 'segment.ms': '5' });
    const configs = [{ name: 'retention.ms', value: '2000' }];
    const resources = [{ resourceType: topic, resourceName, configs }];
    await client.send(AlterConfigs, version, { resources, validateOnly: true });
    expect(own(resourceName)).toEqual({ 'retention.ms': '1000', 'segment.ms': '5' });
    const { responses } = await client.send(AlterConfigs, version, { resources });
    expect(responses).toEqual([
      { errorCode: 0, errorMessage: null, resourceType: topic, resourceName },
    ]);
    expect(own(resourceName)).toEqual({ 'retention.ms': '2000' });
  });

  test('answers each resource with what is wrong', async () => {
    await createTopic('alter-refused');
    const { responses } = await client.send(AlterConfigs, 2, {
      resources: [
        one(topic, 'nowhere'),
        one(topic, 'alter-refused', 'no.such.config'),
        one(broker, '7', 'num.partitions'),
        one(group, 'some'),
        one(topic, 'repeated', 'retention.ms', 'retention.ms'),
        one(topic, 'twice'),
        one(topic, 'twice'),
      ],
    });
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.INVALID_CONFIG,
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
    ]);
    expect(responses[2]!.errorMessage).toContain('environment variables or flags');
  });
});

describe('IncrementalAlterConfigs', () => {
  type Step = [name: string, configOperation: number, value?: string];
  const alter = async (
    resourceName: string,
    steps: Step[],
    { version = 1, validateOnly = false, resourceType = topic } = {},
  ) => {
    const configs = steps.map(([name, configOperation, value = null]) => {
      return { name, configOperation, value };
    });
    const request = { resources: [{ resourceType, resourceName, configs }], validateOnly };
    const { responses } = await client.send(IncrementalAlterConfigs, version, request);
    expect(responses).toHaveLength(1);
    return responses[0]!;
  };

  test.each([0, 1])('v%i sets, deletes, appends and subtracts', async (version) => {
    const name = `steps-v${version}`;
    await createTopic(name, { 'retention.ms': '1000' });
    const steps: Step[] = [
      ['retention.ms', remove],
      ['segment.ms', set, '5'],
      ['cleanup.policy', append, 'compact'],
    ];
    expect(await alter(name, steps, { version, validateOnly: true })).toMatchObject({
      errorCode: 0,
    });
    expect(own(name)).toEqual({ 'retention.ms': '1000' });
    expect(await alter(name, steps, { version })).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      resourceName: name,
    });
    expect(own(name)).toEqual({ 'cleanup.policy': 'delete,compact', 'segment.ms': '5' });
    await alter(name, [['cleanup.policy', subtract, 'delete']], { version });
    expect(own(name)).toEqual({ 'cleanup.policy': 'compact', 'segment.ms': '5' });
  });

  test.each<[string, Step[], keyof typeof ErrorCode]>([
    ['an unknown config', [['no.such.config', set, '1']], 'INVALID_CONFIG'],
    ['a bad value', [['retention.ms', set, 'soon']], 'INVALID_CONFIG'],
    ['appending to what is no list', [['retention.ms', append, '1']], 'INVALID_CONFIG'],
    ['no value', [['retention.ms', set]], 'INVALID_REQUEST'],
    ['an unknown operation', [['retention.ms', 4, '1']], 'INVALID_REQUEST'],
    [
      'a config twice',
      [
        ['retention.ms', set, '1'],
        ['retention.ms', remove],
      ],
      'INVALID_REQUEST',
    ],
  ])('refuses %s, and changes nothing', async (what, steps, error) => {
    const name = `refused-${what.replaceAll(' ', '-')}`;
    await createTopic(name);
    const all: Step[] = [['segment.ms', set, '5'], ...steps];
    const refused = await alter(name, all);
    expect(refused.errorCode).toBe(ErrorCode[error]);
    expect(refused.errorMessage).toMatch(/[a-z.]+/);
    expect(own(name)).toEqual({});
  });

  test('refuses topics that are not there, and brokers', async () => {
    const steps: Step[] = [['retention.ms', set, '1']];
    const unknown = await alter('nowhere', steps);
    expect(unknown.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const ours = await alter('7', steps, { resourceType: broker });
    expect(ours.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});
