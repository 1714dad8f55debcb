/**
 * Our bytes against an independent codec that speaks the flexible versions too: the one of
 * @platformatic/kafka.
 */
import { arbitraryMessage, everyMessage } from '@sluice/test/support/arbitrary-message';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import {
  apis,
  apiVersionsKey,
  decodeRequest,
  encodeResponse,
  isCarried,
  isFlexible,
  type StructSpec,
  type TypeSpec,
} from './index';

interface PeerResult {
  readonly missing?: boolean;
  readonly failed?: string;
  readonly response?: unknown;
  readonly rest?: number;
  readonly key?: number;
  readonly version?: number;
  readonly body?: string;
}

function askPeer(jobs: readonly object[]): PeerResult[] {
  const script = join(__dirname, '../../../test/support/platformatic-peer.mjs');
  const output = execFileSync(process.execPath, [script], {
    input: JSON.stringify(jobs, (_key, value: unknown) =>
      typeof value === 'bigint' ? { bigint: `${value}` } : value,
    ),
    maxBuffer: 256 * 1024 * 1024,
  });
  return JSON.parse(output.toString()) as PeerResult[];
}

const exportName = (name: string, version: number): string =>
  `${name[0]!.toLowerCase()}${name.slice(1)}V${version}`;

/** Records are left out: the peer would decode them, and random bytes are no batches. */
function withoutRecords(message: unknown): unknown {
  return JSON.parse(
    JSON.stringify(message, (key, value: unknown) => (key === 'records' ? null : value)),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Paths at which two values differ; fields that only one side knows are not compared. */
function differences(ours: unknown, theirs: unknown, path: string): string[] {
  if (ours === null && isObject(theirs)) {
    // A struct that is not there: they make one of its defaults.
    return Object.values(theirs).every((value) => value === -1) ? [] : [path];
  }
  if (isObject(ours) && ours.type === 'Buffer' && isObject(theirs)) {
    return Buffer.from(ours.data as number[]).toString('hex') === theirs.hex ? [] : [path];
  }
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return [`${path}.length`];
    return ours.flatMap((value, at) => differences(value, theirs[at], `${path}[${at}]`));
  }
  if (isObject(ours) && isObject(theirs)) {
    const shared = Object.keys(ours).filter((key) => key in theirs);
    return shared.flatMap((key) => differences(ours[key], theirs[key], `${path}.${key}`));
  }
  return plain(ours) === plain(theirs) ? [] : [`${path}: ${plain(ours)} / ${plain(theirs)}`];
}

/** Their uuids are hexadecimal with dashes. */
function plain(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)) {
    return value;
  }
  return Buffer.from(value.replaceAll('-', ''), 'hex').toString('base64url');
}

test('it reads our responses as we meant them, to the last byte', () => {
  const jobs = everyMessage()
    .filter(({ direction }) => direction === 'response')
    .flatMap(({ api, version }) =>
      fc
        .sample(arbitraryMessage(api.response.fields, version), { numRuns: 4, seed: version })
        .map((sample) => {
          const { fields } = api.response;
          // Behind an error it reads no further in this response.
          if (api.key === apiVersionsKey) sample.errorCode = 0;
          const message = understandable(fields, version, sample);
          const frame = Buffer.concat(encodeResponse(api, version, 1, message));
          const hasTags = isFlexible(api, version) && api.key !== apiVersionsKey;
          const response = frame.subarray(hasTags ? 9 : 8).toString('hex');
          return { name: exportName(api.name, version), response, message };
        }),
    );
  const results = askPeer(jobs.map(({ name, response }) => ({ name, response })));
  const known = jobs.map((job, at) => ({ ...job, result: results[at]! }));
  const compared = known.filter(({ result }) => result.missing !== true);
  expect(new Set(compared.map(({ name }) => name)).size).toBeGreaterThan(100);
  const wrong = compared.flatMap(({ name, message, result }) => {
    if (result.failed !== undefined) return [`${name}: ${result.failed}`];
    const paths = differences(withoutRecords(message), withoutRecords(result.response), name);
    return result.rest === 0 ? paths : [`${name}: ${result.rest} bytes left`];
  });
  expect([...new Set(wrong)]).toEqual([]);
});

const uuid = '00112233-4455-6677-8899-aabbccddeeff';
const topicId = Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');
const hex = (text: string): { hex: string } => ({ hex: Buffer.from(text).toString('hex') });

const requests: readonly (readonly [name: string, args: unknown[], meant: object])[] = [
  ['apiVersionsV4', ['js', '1.0'], { clientSoftwareName: 'js', clientSoftwareVersion: '1.0' }],
  [
    'metadataV12',
    [['t', { topicId: uuid }], false, true],
    {
      topics: [{ name: 't' }, { topicId, name: null }],
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    },
  ],
  ['metadataV12', [null], { topics: null, allowAutoTopicCreation: true }],
  [
    'fetchV17',
    [
      100,
      1,
      2,
      1,
      3,
      4,
      [
        {
          topicId: uuid,
          partitions: [
            {
              partition: 1,
              currentLeaderEpoch: 2,
              fetchOffset: 9n,
              lastFetchedEpoch: 5,
              partitionMaxBytes: 6,
              replicaDirectoryId: uuid,
            },
          ],
        },
      ],
      [{ topicId: uuid, partitions: [8] }],
      'rack',
    ],
    {
      maxWaitMs: 100,
      sessionId: 3,
      topics: [
        {
          topicId,
          partitions: [
            { partition: 1, fetchOffset: 9, partitionMaxBytes: 6, replicaDirectoryId: topicId },
          ],
        },
      ],
      forgottenTopicsData: [{ topicId, partitions: [8] }],
      rackId: 'rack',
    },
  ],
  [
    'listOffsetsV9',
    [
      -1,
      1,
      [
        {
          name: 't',
          partitions: [{ partitionIndex: 1, currentLeaderEpoch: 2, timestamp: -2n }],
        },
      ],
    ],
    {
      isolationLevel: 1,
      topics: [
        { name: 't', partitions: [{ partitionIndex: 1, currentLeaderEpoch: 2, timestamp: -2 }] },
      ],
    },
  ],
  ['findCoordinatorV4', [1, ['a', 'b']], { keyType: 1, coordinatorKeys: ['a', 'b'] }],
  [
    'joinGroupV9',
    ['g', 1, 2, 'm', null, 'consumer', [{ name: 'range', metadata: hex('x') }], 'why'],
    {
      groupId: 'g',
      sessionTimeoutMs: 1,
      rebalanceTimeoutMs: 2,
      groupInstanceId: null,
      protocols: [{ name: 'range', metadata: Buffer.from('x') }],
      reason: 'why',
    },
  ],
  [
    'syncGroupV5',
    ['g', 1, 'm', 'i', 'consumer', 'range', [{ memberId: 'm', assignment: hex('y') }]],
    {
      generationId: 1,
      groupInstanceId: 'i',
      protocolName: 'range',
      assignments: [{ memberId: 'm', assignment: Buffer.from('y') }],
    },
  ],
  ['heartbeatV4', ['g', 7, 'm', null], { groupId: 'g', generationId: 7, memberId: 'm' }],
  [
    'leaveGroupV5',
    ['g', [{ memberId: 'm', groupInstanceId: null, reason: 'r' }]],
    { members: [{ memberId: 'm', groupInstanceId: null, reason: 'r' }] },
  ],
  [
    'offsetFetchV9',
    [
      [
        {
          groupId: 'g',
          memberId: 'm',
          memberEpoch: 3,
          topics: [{ name: 't', partitionIndexes: [0, 5] }],
        },
      ],
      true,
    ],
    {
      groups: [{ groupId: 'g', memberId: 'm', topics: [{ name: 't', partitionIndexes: [0, 5] }] }],
      requireStable: true,
    },
  ],
  [
    'offsetCommitV9',
    [
      'g',
      1,
      'm',
      null,
      [
        {
          name: 't',
          partitions: [
            {
              partitionIndex: 1,
              committedOffset: 2n,
              committedLeaderEpoch: 3,
              committedMetadata: null,
            },
          ],
        },
      ],
    ],
    {
      generationIdOrMemberEpoch: 1,
      topics: [
        {
          name: 't',
          partitions: [{ committedOffset: 2, committedLeaderEpoch: 3, committedMetadata: null }],
        },
      ],
    },
  ],
  [
    'createTopicsV7',
    [
      [
        {
          name: 't',
          numPartitions: 2,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: 'k', value: 'v' }],
        },
      ],
      9,
      true,
    ],
    {
      topics: [{ name: 't', numPartitions: 2, configs: [{ name: 'k', value: 'v' }] }],
      timeoutMs: 9,
      validateOnly: true,
    },
  ],
  [
    'deleteTopicsV6',
    [[{ name: null, topicId: uuid }, { name: 't' }], 3],
    { topics: [{ name: null, topicId }, { name: 't' }], timeoutMs: 3 },
  ],
  ['initProducerIdV5', [null, 4, -1n, -1], { transactionalId: null, transactionTimeoutMs: 4 }],
  [
    'describeConfigsV4',
    [[{ resourceType: 2, resourceName: 't', configurationKeys: null }], true, true],
    {
      resources: [{ resourceType: 2, resourceName: 't', configurationKeys: null }],
      includeDocumentation: true,
    },
  ],
  [
    'createPartitionsV3',
    [[{ name: 't', count: 5, assignments: null }], 1, false],
    { topics: [{ name: 't', count: 5, assignments: null }] },
  ],
  [
    'describeGroupsV5',
    [['g', 'h'], true],
    { groups: ['g', 'h'], includeAuthorizedOperations: true },
  ],
  ['describeClusterV1', [true, 1], { includeClusterAuthorizedOperations: true, endpointType: 1 }],
  [
    'describeTopicPartitionsV0',
    [[{ name: 't' }], 5, { topicName: 't', partitionIndex: 3 }],
    {
      topics: [{ name: 't' }],
      responsePartitionLimit: 5,
      cursor: { topicName: 't', partitionIndex: 3 },
    },
  ],
  ['describeTopicPartitionsV0', [[{ name: 't' }], 5], { topics: [{ name: 't' }], cursor: null }],
];

test('we read its requests as it meant them', () => {
  const results = askPeer(requests.map(([name, args]) => ({ name, args })));
  for (const [at, [name, , meant]] of requests.entries()) {
    const { key, version, body } = results[at]!;
    const decoded = decodeRequest(apis.get(key!)!, version!, Buffer.from(body!, 'hex'), 0);
    expect({ name, request: decoded }).toMatchObject({ name, request: meant });
  }
});

/**
 * The message with only the fields that the version carries, with error codes out of the table, and
 * without records: the peer refuses unknown codes, and would decode the records.
 */
function understandable(
  fields: StructSpec,
  version: number,
  message: Record<string, unknown>,
): Record<string, unknown> {
  const carried = fields.filter(([, spec]) => isCarried(spec, version));
  return Object.fromEntries(
    carried.map(([name, { type }]) => [name, inner(name, type, version, message[name])]),
  );
}

function inner(name: string, type: TypeSpec, version: number, value: unknown): unknown {
  if (type.kind === 'records') return Buffer.alloc(0);
  if (/errorcode$/i.test(name)) return Math.abs(value as number) % 120;
  if (Array.isArray(value) && type.kind === 'array') {
    return value.map((element) => inner('', type.of, version, element));
  }
  if (type.kind !== 'struct' || !isObject(value)) return value;
  return understandable(type.fields, version, value);
}
