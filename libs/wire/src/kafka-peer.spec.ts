/**
 * Our bytes against those that the message classes of Kafka's Java client, 4.4.0, have written for
 * the same values. They were made once, by a program that is not kept here.
 */
import {
  AlterPartitionReassignments,
  CreateAcls,
  DeleteAcls,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeLogDirs,
  DescribeProducers,
  DescribeTopicPartitions,
  DescribeUserScramCredentials,
  ElectLeaders,
  ListConfigResources,
  ListPartitionReassignments,
  ListTransactions,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  isFlexible,
  readRequestHeader,
  type Api,
} from './index';

const topicId = Buffer.from('00112233445566778899aabbccddeeff', 'hex').toString('base64url');
const acl = { principal: 'User:a', host: '*', operation: 3, permissionType: 3 };
const size = { partitionIndex: 5, partitionSize: 0x1_0000_0002, offsetLag: 0, isFutureKey: false };
const logDir = { errorCode: 0, logDir: '/d', topics: [{ name: 't', partitions: [size] }] };

type Direction = 'request' | 'response';
type Message = Record<string, unknown>;
type Case = [api: Api, direction: Direction, version: number, message: Message, hex: string[]];

const cases: readonly Case[] = [
  [
    DescribeAcls,
    'request',
    3,
    {
      resourceTypeFilter: 2,
      resourceNameFilter: 't',
      patternTypeFilter: 1,
      principalFilter: null,
      hostFilter: '*',
      operation: 3,
      permissionType: 1,
    },
    ['0202740100022a030100'],
  ],
  [
    DescribeAcls,
    'response',
    1,
    {
      errorCode: 54,
      errorMessage: 'off',
      resources: [{ resourceType: 2, resourceName: 't', patternType: 4, acls: [acl] }],
    },
    ['00000000003600036f6666000000010200017404000000010006557365723a61', '00012a0303'],
  ],
  [
    CreateAcls,
    'request',
    2,
    { creations: [{ resourceType: 2, resourceName: 't', resourcePatternType: 3, ...acl }] },
    ['020202740307557365723a61022a03030000'],
  ],
  [
    CreateAcls,
    'response',
    3,
    { results: [{ errorCode: 54, errorMessage: 'off' }] },
    ['00000000020036046f66660000'],
  ],
  [
    DeleteAcls,
    'request',
    1,
    {
      filters: [
        {
          resourceTypeFilter: 1,
          resourceNameFilter: null,
          patternTypeFilter: 1,
          principalFilter: 'User:a',
          hostFilter: null,
          operation: 1,
          permissionType: 1,
        },
      ],
    },
    ['0000000101ffff010006557365723a61ffff0101'],
  ],
  [
    DeleteAcls,
    'response',
    3,
    {
      filterResults: [
        {
          errorCode: 54,
          errorMessage: 'off',
          matchingAcls: [
            {
              errorCode: 1,
              errorMessage: null,
              resourceType: 2,
              resourceName: 't',
              patternType: 3,
              ...acl,
            },
          ],
        },
      ],
    },
    ['00000000020036046f6666020001000202740307557365723a61022a03030000', '00'],
  ],
  [
    DescribeLogDirs,
    'request',
    1,
    { topics: [{ topic: 't', partitions: [0, 5] }] },
    ['00000001000174000000020000000000000005'],
  ],
  [DescribeLogDirs, 'request', 5, { topics: null }, ['0000']],
  [
    DescribeLogDirs,
    'response',
    1,
    { results: [logDir] },
    [
      '0000000000000001000000022f64000000010001740000000100000005000000',
      '0100000002000000000000000000',
    ],
  ],
  [
    DescribeLogDirs,
    'response',
    3,
    { errorCode: 31, results: [logDir] },
    ['00000000001f020000032f640202740200000005000000010000000200000000', '000000000000000000'],
  ],
  [
    DescribeLogDirs,
    'response',
    5,
    { errorCode: 0, results: [{ ...logDir, totalBytes: 9, usableBytes: 8, isCordoned: true }] },
    [
      '000000000000020000032f640202740200000005000000010000000200000000',
      '0000000000000000000000000000090000000000000008010000',
    ],
  ],
  [
    ElectLeaders,
    'request',
    0,
    { topicPartitions: [{ topic: 't', partitions: [1] }], timeoutMs: 7 },
    ['00000001000174000000010000000100000007'],
  ],
  [
    ElectLeaders,
    'request',
    2,
    { electionType: 1, topicPartitions: null, timeoutMs: 7 },
    ['01000000000700'],
  ],
  [
    ElectLeaders,
    'response',
    2,
    {
      errorCode: 0,
      replicaElectionResults: [
        { topic: 't', partitionResult: [{ partitionId: 1, errorCode: 84, errorMessage: 'no' }] },
      ],
    },
    ['00000000000002027402000000010054036e6f000000'],
  ],
  [
    AlterPartitionReassignments,
    'request',
    1,
    {
      timeoutMs: 7,
      allowReplicationFactorChange: false,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 1, replicas: [1, 2] },
            { partitionIndex: 2, replicas: null },
          ],
        },
      ],
    },
    ['00000007000202740300000001030000000100000002000000000200000000'],
  ],
  [
    AlterPartitionReassignments,
    'response',
    1,
    {
      allowReplicationFactorChange: false,
      errorCode: 0,
      errorMessage: null,
      responses: [
        { name: 't', partitions: [{ partitionIndex: 1, errorCode: 39, errorMessage: 'no' }] },
      ],
    },
    ['000000000000000002027402000000010027036e6f000000'],
  ],
  [
    ListPartitionReassignments,
    'request',
    0,
    { timeoutMs: 7, topics: [{ name: 't', partitionIndexes: [1] }] },
    ['0000000702027402000000010000'],
  ],
  [
    ListPartitionReassignments,
    'response',
    0,
    {
      errorCode: 0,
      errorMessage: null,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 1, replicas: [1, 2], addingReplicas: [2], removingReplicas: [] },
          ],
        },
      ],
    },
    ['0000000000000002027402000000010300000001000000020200000002010000', '00'],
  ],
  [
    DescribeClientQuotas,
    'request',
    1,
    { components: [{ entityType: 'user', matchType: 0, match: 'a' }], strict: true },
    ['020575736572000261000100'],
  ],
  [
    DescribeClientQuotas,
    'response',
    1,
    {
      errorCode: 0,
      errorMessage: null,
      entries: [
        {
          entity: [{ entityType: 'user', entityName: null }],
          values: [{ key: 'rate', value: 1.5 }],
        },
      ],
    },
    ['000000000000000202057573657200000205726174653ff80000000000000000', '00'],
  ],
  [
    DescribeClientQuotas,
    'response',
    0,
    { errorCode: 42, errorMessage: 'no', entries: null },
    ['00000000002a00026e6fffffffff'],
  ],
  [DescribeUserScramCredentials, 'request', 0, { users: [{ name: 'a' }] }, ['0202610000']],
  [
    DescribeUserScramCredentials,
    'response',
    0,
    {
      errorCode: 0,
      errorMessage: null,
      results: [
        {
          user: 'a',
          errorCode: 91,
          errorMessage: 'no',
          credentialInfos: [{ mechanism: 1, iterations: 4096 }],
        },
      ],
    },
    ['00000000000000020261005b036e6f020100001000000000'],
  ],
  [
    DescribeProducers,
    'request',
    0,
    { topics: [{ name: 't', partitionIndexes: [1] }] },
    ['02027402000000010000'],
  ],
  [
    DescribeProducers,
    'response',
    0,
    {
      topics: [
        {
          name: 't',
          partitions: [
            {
              partitionIndex: 1,
              errorCode: 0,
              errorMessage: null,
              activeProducers: [
                { producerId: 0x1_0000_0002, producerEpoch: 3, lastSequence: 4, lastTimestamp: 5 },
              ],
            },
          ],
        },
      ],
    },
    [
      '0000000002027402000000010000000200000001000000020000000300000004',
      '0000000000000005ffffffffffffffffffffffff00000000',
    ],
  ],
  [
    ListTransactions,
    'request',
    2,
    {
      stateFilters: ['Ongoing'],
      producerIdFilters: [6],
      durationFilter: 7,
      transactionalIdPattern: 'a.*',
    },
    ['02084f6e676f696e67020000000000000006000000000000000704612e2a00'],
  ],
  [
    ListTransactions,
    'response',
    0,
    {
      errorCode: 0,
      unknownStateFilters: ['x'],
      transactionStates: [{ transactionalId: 'a', producerId: 6, transactionState: 'Ongoing' }],
    },
    ['0000000000000202780202610000000000000006084f6e676f696e670000'],
  ],
  [ListConfigResources, 'request', 0, {}, ['00']],
  [ListConfigResources, 'request', 1, { resourceTypes: [2, 16] }, ['03021000']],
  [
    ListConfigResources,
    'response',
    0,
    { errorCode: 0, configResources: [{ resourceName: 'm' }] },
    ['00000000000002026d0000'],
  ],
  [
    ListConfigResources,
    'response',
    1,
    { errorCode: 0, configResources: [{ resourceName: 't', resourceType: 2 }] },
    ['000000000000020274020000'],
  ],
  [
    DescribeTopicPartitions,
    'request',
    0,
    { topics: [{ name: 't' }], responsePartitionLimit: 5, cursor: null },
    ['0202740000000005ff00'],
  ],
  [
    DescribeTopicPartitions,
    'request',
    0,
    { topics: [], responsePartitionLimit: 5, cursor: { topicName: 't', partitionIndex: 3 } },
    ['0100000005010274000000030000'],
  ],
  [
    DescribeTopicPartitions,
    'response',
    0,
    {
      topics: [
        {
          errorCode: 0,
          name: 't',
          topicId,
          isInternal: true,
          partitions: [
            {
              errorCode: 0,
              partitionIndex: 3,
              leaderId: 1,
              leaderEpoch: 2,
              replicaNodes: [1],
              isrNodes: [1],
              eligibleLeaderReplicas: [],
              lastKnownElr: null,
              offlineReplicas: [],
            },
          ],
          topicAuthorizedOperations: 3576,
        },
      ],
      nextCursor: { topicName: 't', partitionIndex: 4 },
    },
    [
      '00000000020000027400112233445566778899aabbccddeeff01020000000000',
      '030000000100000002020000000102000000010100010000000df80001027400',
      '0000040000',
    ],
  ],
  [DescribeTopicPartitions, 'response', 0, { topics: [], nextCursor: null }, ['0000000001ff00']],
];

/** The body of a message as we write it, without the header. */
function written(api: Api, direction: Direction, version: number, message: Message): Buffer {
  if (direction === 'request') {
    const header = { correlationId: 1, clientId: 'me' };
    const frame = Buffer.concat(encodeRequest(api, version, header, message)).subarray(4);
    return frame.subarray(readRequestHeader(frame).bodyAt);
  }
  const frame = Buffer.concat(encodeResponse(api, version, 1, message));
  return frame.subarray(isFlexible(api, version) ? 9 : 8);
}

function read(api: Api, direction: Direction, version: number, body: Buffer): unknown {
  if (direction === 'request') return decodeRequest(api, version, body, 0);
  const header = Buffer.alloc(isFlexible(api, version) ? 5 : 4);
  return decodeResponse(api, version, Buffer.concat([header, body])).response;
}

test.each(cases.map((one) => ({ label: `${one[0].name} v${one[2]} ${one[1]}`, one })))(
  '$label',
  ({ one: [api, direction, version, message, hex] }) => {
    const body = hex.join('');
    expect(written(api, direction, version, message).toString('hex')).toBe(body);
    expect(read(api, direction, version, Buffer.from(body, 'hex'))).toMatchObject(message);
  },
);
