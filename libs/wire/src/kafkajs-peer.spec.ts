/** Our bytes against the codec of kafkajs, which speaks the classic (not flexible) versions. */
import {
  apis,
  decodeRequest,
  encodeResponse,
  Fetch,
  JoinGroup,
  ListOffsets,
  Metadata,
  OffsetFetch,
  Produce,
  readRequestHeader,
  type Api,
  type ResponseInput,
} from './index';

interface PeerRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
}

type EncodeFrame = (options: object) => Promise<{ readonly buffer: Buffer }>;
type Decode = (body: Buffer) => Promise<unknown>;

const protocol = 'kafkajs/src/protocol';
const encodeFrame = jest.requireActual<EncodeFrame>(`${protocol}/request`);

const members = [{ memberId: 'm' }, { memberId: 'n', groupInstanceId: 'i' }];

const requests: readonly (readonly [path: string, options: object, meant: object])[] = [
  [
    'produce/v7',
    {
      acks: -1,
      timeout: 5,
      transactionalId: 'x',
      topicData: [{ topic: 't', partitions: [{ partition: 3, messages: [{ value: 'v' }] }] }],
    },
    {
      transactionalId: 'x',
      acks: -1,
      timeoutMs: 5,
      topicData: [{ name: 't', partitionData: [{ index: 3, records: expect.any(Buffer) }] }],
    },
  ],
  [
    'fetch/v11',
    {
      replicaId: -1,
      maxWaitTime: 5,
      minBytes: 1,
      maxBytes: 2,
      rackId: 'r',
      topics: [{ topic: 't', partitions: [{ partition: 1, fetchOffset: '12', maxBytes: 3 }] }],
      forgottenTopics: [{ topic: 'f', partitions: [1, 2] }],
    },
    {
      maxWaitMs: 5,
      sessionEpoch: -1,
      topics: [
        { topic: 't', partitions: [{ partition: 1, fetchOffset: 12, partitionMaxBytes: 3 }] },
      ],
      forgottenTopicsData: [{ topic: 'f', partitions: [1, 2] }],
      rackId: 'r',
    },
  ],
  [
    'listOffsets/v3',
    {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: [{ partition: 1, timestamp: '-1' }] }],
    },
    {
      isolationLevel: 1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 1, timestamp: -1 }] }],
    },
  ],
  [
    'metadata/v6',
    { topics: ['t'], allowAutoTopicCreation: true },
    { topics: [{ name: 't' }], allowAutoTopicCreation: true },
  ],
  ['metadata/v6', { topics: [], allowAutoTopicCreation: true }, { topics: null }],
  [
    'offsetCommit/v5',
    {
      groupId: 'g',
      groupGenerationId: 4,
      memberId: 'm',
      topics: [{ topic: 't', partitions: [{ partition: 1, offset: '7' }] }],
    },
    {
      generationIdOrMemberEpoch: 4,
      topics: [{ partitions: [{ committedOffset: 7, committedMetadata: null }] }],
    },
  ],
  [
    'offsetFetch/v4',
    { groupId: 'g', topics: [{ topic: 't', partitions: [{ partition: 1 }] }] },
    { groupId: 'g', topics: [{ name: 't', partitionIndexes: [1] }] },
  ],
  ['offsetFetch/v4', { groupId: 'g', topics: [] }, { topics: null }],
  ['findCoordinator/v2', { coordinatorKey: 'g', coordinatorType: 0 }, { key: 'g', keyType: 0 }],
  [
    'joinGroup/v5',
    {
      groupId: 'g',
      sessionTimeout: 1,
      rebalanceTimeout: 2,
      memberId: '',
      protocolType: 'consumer',
      groupProtocols: [{ name: 'p', metadata: Buffer.from('x') }],
    },
    {
      rebalanceTimeoutMs: 2,
      groupInstanceId: null,
      protocols: [{ name: 'p', metadata: Buffer.from('x') }],
    },
  ],
  [
    'syncGroup/v3',
    {
      groupId: 'g',
      generationId: 1,
      memberId: 'm',
      groupAssignment: [{ memberId: 'm', memberAssignment: Buffer.from('a') }],
    },
    { generationId: 1, assignments: [{ memberId: 'm', assignment: Buffer.from('a') }] },
  ],
  ['heartbeat/v3', { groupId: 'g', groupGenerationId: 3, memberId: 'm' }, { generationId: 3 }],
  ['leaveGroup/v3', { groupId: 'g', members }, { members }],
  ['describeGroups/v2', { groupIds: ['g'] }, { groups: ['g'] }],
  ['listGroups/v2', {}, {}],
  ['apiVersions/v2', {}, {}],
  [
    'createTopics/v3',
    { topics: [{ topic: 't', configEntries: [{ name: 'a', value: 'b' }] }], timeout: 3 },
    {
      topics: [{ name: 't', numPartitions: -1, configs: [{ name: 'a', value: 'b' }] }],
      timeoutMs: 3,
      validateOnly: false,
    },
  ],
  ['deleteTopics/v1', { topics: ['t'], timeout: 3 }, { topicNames: ['t'], timeoutMs: 3 }],
  [
    'deleteRecords/v1',
    { topics: [{ topic: 't', partitions: [{ partition: 1, offset: '5' }] }] },
    { topics: [{ name: 't', partitions: [{ partitionIndex: 1, offset: 5 }] }] },
  ],
  ['initProducerId/v1', { transactionTimeout: 6 }, { transactionTimeoutMs: 6 }],
  [
    'describeConfigs/v2',
    { resources: [{ type: 2, name: 't', configNames: ['a'] }], includeSynonyms: true },
    { resources: [{ resourceType: 2, configurationKeys: ['a'] }], includeSynonyms: true },
  ],
  [
    'alterConfigs/v1',
    { resources: [{ type: 2, name: 't', configEntries: [{ name: 'a', value: null }] }] },
    { resources: [{ resourceName: 't', configs: [{ name: 'a', value: null }] }] },
  ],
  [
    'createPartitions/v1',
    { topicPartitions: [{ topic: 't', count: 3 }] },
    { topics: [{ name: 't', count: 3, assignments: null }], timeoutMs: 5000 },
  ],
  ['deleteGroups/v1', ['g'], { groupsNames: ['g'] }],
];

test.each(requests)('we read %s as it meant it', async (path, options, meant) => {
  const create = jest.requireActual<(options: object) => PeerRequest>(
    `${protocol}/requests/${path}/request`,
  );
  const request = create(options);
  const { buffer } = await encodeFrame({ correlationId: 6, clientId: 'js', request });
  const frame = Buffer.from(buffer).subarray(4);
  const header = readRequestHeader(frame);
  expect(header).toMatchObject({ ...onlyNumbers(request), correlationId: 6, clientId: 'js' });
  const api = apis.get(request.apiKey)!;
  expect(decodeRequest(api, request.apiVersion, frame, header.bodyAt)).toMatchObject(meant);
});

function onlyNumbers({ apiKey, apiVersion }: PeerRequest): PeerRequest {
  return { apiKey, apiVersion };
}

async function ask<A extends Api>(
  api: A,
  version: number,
  { path, response }: { path: string; response: ResponseInput<A> },
): Promise<unknown> {
  const { decode } = jest.requireActual<{ decode: Decode }>(
    `${protocol}/requests/${path}/response`,
  );
  return decode(Buffer.concat(encodeResponse(api, version, 1, response)).subarray(8));
}

describe('it reads our responses as we meant them', () => {
  test('Produce v7', async () => {
    const partitionResponses = [{ index: 4, errorCode: 0, baseOffset: 5, logStartOffset: 2 }];
    const response = { responses: [{ name: 't', partitionResponses }] };
    expect(await ask(Produce, 7, { path: 'produce/v7', response })).toMatchObject({
      topics: [
        {
          topicName: 't',
          partitions: [{ partition: 4, baseOffset: '5', logAppendTime: '-1', logStartOffset: '2' }],
        },
      ],
    });
  });

  test('Fetch v11', async () => {
    const partition = { partitionIndex: 1, errorCode: 0, highWatermark: 9, records: null };
    const response = { responses: [{ topic: 't', partitions: [partition] }] };
    expect(await ask(Fetch, 11, { path: 'fetch/v11', response })).toMatchObject({
      responses: [
        { topicName: 't', partitions: [{ partition: 1, highWatermark: '9', messages: [] }] },
      ],
    });
  });

  test('Metadata v6', async () => {
    const partition = {
      errorCode: 0,
      partitionIndex: 1,
      leaderId: 2,
      replicaNodes: [2],
      isrNodes: [2],
      offlineReplicas: [],
    };
    const response = {
      brokers: [{ nodeId: 2, host: 'h', port: 9, rack: null }],
      clusterId: 'c',
      controllerId: 2,
      topics: [{ errorCode: 0, name: 't', partitions: [partition] }],
    };
    expect(await ask(Metadata, 6, { path: 'metadata/v6', response })).toMatchObject({
      brokers: [{ nodeId: 2, host: 'h', port: 9, rack: null }],
      clusterId: 'c',
      controllerId: 2,
      topicMetadata: [
        { topic: 't', partitionMetadata: [{ partitionId: 1, leader: 2, replicas: [2], isr: [2] }] },
      ],
    });
  });

  test('ListOffsets v3, OffsetFetch v4, JoinGroup v5', async () => {
    const offsets = [{ partitionIndex: 1, errorCode: 0, offset: 3 }];
    const listed = { topics: [{ name: 't', partitions: offsets }] };
    expect(await ask(ListOffsets, 3, { path: 'listOffsets/v3', response: listed })).toMatchObject({
      responses: [{ topic: 't', partitions: [{ partition: 1, timestamp: '-1', offset: '3' }] }],
    });
    const committed = [{ partitionIndex: 1, committedOffset: 3, metadata: 'x', errorCode: 0 }];
    const fetched = { topics: [{ name: 't', partitions: committed }] };
    expect(await ask(OffsetFetch, 4, { path: 'offsetFetch/v4', response: fetched })).toMatchObject({
      responses: [{ topic: 't', partitions: [{ partition: 1, offset: '3', metadata: 'x' }] }],
    });
    const joined = {
      errorCode: 0,
      generationId: 1,
      protocolName: 'p',
      leader: 'm',
      memberId: 'm',
      members: [{ memberId: 'm', metadata: Buffer.from('x') }],
    };
    expect(await ask(JoinGroup, 5, { path: 'joinGroup/v5', response: joined })).toMatchObject({
      generationId: 1,
      groupProtocol: 'p',
      leaderId: 'm',
      members: [{ memberId: 'm', groupInstanceId: null, memberMetadata: Buffer.from('x') }],
    });
  });
});
