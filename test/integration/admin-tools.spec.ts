/** What Kafka's tools and admin UIs ask, where one broker without ACLs has little to tell. */
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { sharedRedis } from '@sluice/test/support/redis';
import {
  AlterPartitionReassignments,
  ApiVersions,
  CreateAcls,
  CreateTopics,
  DeleteAcls,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeCluster,
  DescribeGroups,
  DescribeUserScramCredentials,
  ElectLeaders,
  ErrorCode,
  ListConfigResources,
  ListPartitionReassignments,
  ListTransactions,
  Metadata,
  noAuthorizedOperations,
  OffsetCommit,
  type RequestInput,
} from '@sluice/wire';

const { INVALID_REQUEST, SECURITY_DISABLED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker({ brokerId: 7 });
  client = await RawClient.connect(host.port);
  const topics = ['alpha', 'beta'].map((name) => ({ name, numPartitions: 2 }));
  const asked = topics.map((topic) => ({ ...topic, replicationFactor: 1 }));
  await client.send(CreateTopics, 7, { topics: asked });
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

describe('ACLs are off, and so they say', () => {
  const any = 1;
  const filter = {
    resourceTypeFilter: any,
    patternTypeFilter: any,
    operation: any,
    permissionType: any,
  };
  const refused = { errorCode: SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' };

  test.each([1, 2, 3])('DescribeAcls v%i', async (version) => {
    const answer = await client.send(DescribeAcls, version, filter);
    expect(answer).toEqual({ ...refused, throttleTimeMs: 0, resources: [] });
  });

  test.each([1, 2, 3])('CreateAcls v%i, for each', async (version) => {
    const creation = {
      resourceType: 2,
      resourceName: 'alpha',
      principal: 'User:me',
      host: '*',
      operation: 3,
      permissionType: 3,
    };
    const request = { creations: [creation, { ...creation, resourceName: '' }] };
    const { results } = await client.send(CreateAcls, version, request);
    expect(results).toEqual([refused, refused]);
  });

  test.each([1, 2, 3])('DeleteAcls v%i, for each', async (version) => {
    const { filterResults } = await client.send(DeleteAcls, version, { filters: [filter] });
    expect(filterResults).toEqual([{ ...refused, matchingAcls: [] }]);
    expect(await client.send(DeleteAcls, version, { filters: [] })).toMatchObject({
      filterResults: [],
    });
  });
});

const elect = (
  topicPartitions: RequestInput<typeof ElectLeaders>['topicPartitions'],
  { version = 2, electionType = 0 } = {},
) => client.send(ElectLeaders, version, { electionType, topicPartitions, timeoutMs: 5_000 });

describe('ElectLeaders', () => {
  const needed = { errorCode: ErrorCode.ELECTION_NOT_NEEDED };

  test.each([0, 1, 2])('v%i: none is needed', async (version) => {
    const answer = await elect([{ topic: 'alpha', partitions: [1, 0] }], { version });
    expect(answer).toMatchObject({ errorCode: 0 });
    expect(answer.replicaElectionResults).toMatchObject([
      { topic: 'alpha', partitionResult: [{ partitionId: 1, ...needed }, needed] },
    ]);
    const all = await elect(null, { version });
    expect(all.replicaElectionResults).toHaveLength(2);
    for (const { partitionResult } of all.replicaElectionResults) {
      expect(partitionResult).toEqual([]);
    }
  });

  test('says what is not there', async () => {
    const unclean = { electionType: 1 };
    const topics = [
      { topic: 'alpha', partitions: [0, 2, -1] },
      { topic: 'nowhere', partitions: [0] },
      { topic: 'beta', partitions: [] },
    ];
    const unknown = { errorCode: UNKNOWN_TOPIC_OR_PARTITION };
    expect((await elect(topics, unclean)).replicaElectionResults).toMatchObject([
      { topic: 'alpha', partitionResult: [needed, unknown, unknown] },
      { topic: 'nowhere', partitionResult: [unknown] },
      { topic: 'beta', partitionResult: [] },
    ]);
  });

  test.each([2, -1])('refuses a kind of election that is not known: %i', async (electionType) => {
    const refused = { errorCode: INVALID_REQUEST };
    const answer = await elect([{ topic: 'alpha', partitions: [0] }], { electionType });
    expect(answer).toMatchObject({
      ...refused,
      replicaElectionResults: [{ partitionResult: [refused] }],
    });
    const all = await elect(null, { electionType });
    expect(all).toMatchObject({ ...refused, replicaElectionResults: [] });
  });
});

describe('reassignments', () => {
  test.each([0, 1])('v%i: a partition can only be where it is', async (version) => {
    const places = [[7], [7, 8], [8], [], [7, 7], null];
    const partitions = places.map((replicas) => ({ partitionIndex: 0, replicas }));
    const { responses, ...answer } = await client.send(AlterPartitionReassignments, version, {
      topics: [
        { name: 'alpha', partitions: [...partitions, { partitionIndex: 2, replicas: [7] }] },
        { name: 'nowhere', partitions: [{ partitionIndex: 0, replicas: [7] }] },
      ],
    });
    expect(answer).toMatchObject({ errorCode: 0, errorMessage: null });
    const { INVALID_REPLICA_ASSIGNMENT: wrong, NO_REASSIGNMENT_IN_PROGRESS } = ErrorCode;
    const codes = responses.map((topic) => topic.partitions.map(({ errorCode }) => errorCode));
    expect(codes).toEqual([
      [0, wrong, wrong, wrong, wrong, NO_REASSIGNMENT_IN_PROGRESS, UNKNOWN_TOPIC_OR_PARTITION],
      [UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(responses[0]!.partitions[1]!.errorMessage).toContain('broker 7');
  });

  test.each<RequestInput<typeof ListPartitionReassignments>['topics']>([
    null,
    [],
    [{ name: 'alpha', partitionIndexes: [0, 9] }],
    [{ name: 'nowhere', partitionIndexes: [0] }],
  ])('none is under way: %j', async (topics) => {
    const answer = await client.send(ListPartitionReassignments, 0, { topics });
    expect(answer).toMatchObject({ errorCode: 0, errorMessage: null, topics: [] });
  });
});

const quotas = (components: RequestInput<typeof DescribeClientQuotas>['components'], version = 1) =>
  client.send(DescribeClientQuotas, version, { components, strict: false });

describe('DescribeClientQuotas', () => {
  const user = { entityType: 'user', matchType: 0, match: 'me' };
  const clientId = { entityType: 'client-id', matchType: 1, match: null };
  const ip = { entityType: 'ip', matchType: 2, match: null };

  test.each([0, 1])('v%i: there are none', async (version) => {
    for (const components of [[], [user, clientId], [ip]]) {
      const answer = await quotas(components, version);
      expect(answer).toMatchObject({ errorCode: 0, errorMessage: null, entries: [] });
    }
  });

  test.each([
    [{ ...user, entityType: '' }],
    [{ ...user, match: null }],
    [{ ...clientId, match: 'me' }],
    [{ ...ip, match: 'me' }],
    [{ ...user, matchType: 3 }],
    [user, user],
    [user, ip],
  ])('refuses a filter that contradicts itself: %j %j', async (...components) => {
    const answer = await quotas(components);
    expect(answer).toMatchObject({ errorCode: INVALID_REQUEST, entries: null });
    expect(answer.errorMessage).not.toBe('');
  });

  test('says that it does not know a kind of entity', async () => {
    const answer = await quotas([{ ...user, entityType: 'team' }]);
    expect(answer).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION, entries: null });
    expect(answer.errorMessage).toContain('team');
  });
});

const describeUsers = (users: { name: string }[] | null) =>
  client.send(DescribeUserScramCredentials, 0, { users });

test('DescribeUserScramCredentials: there are no users', async () => {
  for (const users of [null, []]) {
    expect(await describeUsers(users)).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      results: [],
    });
  }
  const { results } = await describeUsers(['me', 'you', 'me'].map((name) => ({ name })));
  expect(results).toMatchObject([
    { user: 'me', errorCode: ErrorCode.DUPLICATE_RESOURCE, credentialInfos: [] },
    { user: 'you', errorCode: ErrorCode.RESOURCE_NOT_FOUND, credentialInfos: [] },
  ]);
});

test.each([0, 1, 2])('ListTransactions v%i: there are none', async (version) => {
  const answer = await client.send(ListTransactions, version, {
    stateFilters: ['Ongoing', 'ongoing', 'Dead', 'Never', 'Never'],
    producerIdFilters: [1],
    durationFilter: 5,
    transactionalIdPattern: '[',
  });
  expect(answer).toMatchObject({ errorCode: 0, transactionStates: [] });
  expect(answer.unknownStateFilters).toEqual(['ongoing', 'Never']);
});

const listConfigs = async (resourceTypes: number[], version = 1) => {
  const answer = await client.send(ListConfigResources, version, { resourceTypes });
  const names = answer.configResources.map((one) => `${one.resourceType} ${one.resourceName}`);
  return { errorCode: answer.errorCode, names: names.sort() };
};

describe('ListConfigResources', () => {
  test('v0 lists client metrics, of which there are none', async () => {
    expect(await listConfigs([], 0)).toEqual({ errorCode: 0, names: [] });
  });

  test.each<[number[], string[]]>([
    [[], ['2 alpha', '2 beta', '4 7']],
    [[2], ['2 alpha', '2 beta']],
    [[4, 4], ['4 7']],
    [[8, 16, 32], []],
  ])('v1 lists those of the types %j', async (types, names) => {
    expect(await listConfigs(types)).toEqual({ errorCode: 0, names });
  });

  test.each([[[0]], [[2, 99]], [[-1]]])(
    'v1 refuses types that are not known: %j',
    async (types) => {
      expect(await listConfigs(types)).toEqual({
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
        names: [],
      });
    },
  );
});

describe('authorized operations', () => {
  const topicOperations = 3_576;
  const clusterOperations = 8_096;
  const groupOperations = 3_400;

  test.each([0, 1, 2])('DescribeCluster v%i tells all, to those who ask', async (version) => {
    for (const includeClusterAuthorizedOperations of [true, false]) {
      const request = { includeClusterAuthorizedOperations };
      const answer = await client.send(DescribeCluster, version, request);
      expect(answer).toMatchObject({
        errorCode: 0,
        clusterAuthorizedOperations: includeClusterAuthorizedOperations
          ? clusterOperations
          : noAuthorizedOperations,
      });
    }
  });

  test.each([
    [2, ErrorCode.MISMATCHED_ENDPOINT_TYPE],
    [3, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE],
  ])('endpoints of type %i are not described', async (endpointType, errorCode) => {
    expect(await client.send(DescribeCluster, 2, { endpointType })).toMatchObject({
      errorCode,
      brokers: [],
    });
  });

  test.each([8, 10, 11, 12])('Metadata v%i', async (version) => {
    const request = {
      topics: [{ name: 'alpha' }, { name: 'nowhere' }],
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
      includeClusterAuthorizedOperations: true,
    };
    const answer = await client.send(Metadata, version, request);
    const told = { topicAuthorizedOperations: topicOperations };
    expect(answer.topics).toMatchObject([
      { name: 'alpha', errorCode: 0, ...told },
      { name: 'nowhere', errorCode: UNKNOWN_TOPIC_OR_PARTITION, ...told },
    ]);
    expect(answer.clusterAuthorizedOperations).toBe(
      version <= 10 ? clusterOperations : noAuthorizedOperations,
    );
    const unasked = { ...request, includeTopicAuthorizedOperations: false };
    const { topics } = await client.send(Metadata, version, unasked);
    expect(topics[0]!.topicAuthorizedOperations).toBe(noAuthorizedOperations);
  });

  test.each([3, 6])('DescribeGroups v%i', async (version) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }];
    const commit = { groupId: 'readers', topics: [{ name: 'alpha', partitions }] };
    await client.send(OffsetCommit, 8, commit);
    for (const includeAuthorizedOperations of [true, false]) {
      const request = { groups: ['readers', 'nowhere'], includeAuthorizedOperations };
      const { groups } = await client.send(DescribeGroups, version, request);
      expect(groups).toMatchObject([
        {
          groupId: 'readers',
          groupState: 'Empty',
          authorizedOperations: includeAuthorizedOperations
            ? groupOperations
            : noAuthorizedOperations,
        },
        // From v6 on an error, which goes without them.
        { groupId: 'nowhere', errorCode: version < 6 ? 0 : ErrorCode.GROUP_ID_NOT_FOUND },
      ]);
      const isTold = includeAuthorizedOperations && version < 6;
      expect(groups[1]!.authorizedOperations).toBe(
        isTold ? groupOperations : noAuthorizedOperations,
      );
    }
  });
});

describe('features', () => {
  const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };

  test.each([3, 4])('v%i has metadata.version, by which tools tell a Kafka 4', async (version) => {
    const answer = await client.send(ApiVersions, version, software);
    const name = 'metadata.version';
    expect(answer).toMatchObject({
      errorCode: 0,
      supportedFeatures: [{ name, minVersion: 25, maxVersion: 25 }],
      finalizedFeaturesEpoch: 0,
      finalizedFeatures: [{ name, minVersionLevel: 25, maxVersionLevel: 25 }],
      zkMigrationReady: false,
    });
  });

  test('older versions have none', async () => {
    const answer = await client.send(ApiVersions, 2, software);
    expect(answer).toMatchObject({ errorCode: 0, supportedFeatures: [], finalizedFeatures: [] });
  });
});
