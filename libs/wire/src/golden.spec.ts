import {
  ApiVersions,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  Fetch,
  FindCoordinator,
  JoinGroup,
  Metadata,
  OffsetFetch,
  Produce,
  readRequestHeader,
  type Api,
  type RequestInput,
  type ResponseInput,
} from './index';

/**
 * Bytes put together by hand from the protocol's grammar; a note in brackets says what they are.
 */
function bytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\([^)]*\)/g, '').replaceAll(/\s/g, ''), 'hex');
}

/** Header v2 (v1 without `tags`) of a client called "me", correlation id 7. */
function header(key: string, version: string, tags = '00'): string {
  return `${key} ${version} 00000007 0002 6d65 ${tags}`;
}

function checkRequest<A extends Api>(
  api: A,
  version: number,
  { request, wire }: { request: RequestInput<A>; wire: string },
): void {
  const frame = bytes(wire);
  const options = { correlationId: 7, clientId: 'me' };
  const encoded = Buffer.concat(encodeRequest(api, version, options, request)).subarray(4);
  expect(encoded.toString('hex')).toBe(frame.toString('hex'));
  const { bodyAt } = readRequestHeader(frame);
  expect(decodeRequest(api, version, frame, bodyAt)).toMatchObject(request as object);
}

function checkResponse<A extends Api>(
  api: A,
  version: number,
  { response, wire }: { response: ResponseInput<A>; wire: string },
): void {
  const frame = bytes(wire);
  const encoded = Buffer.concat(encodeResponse(api, version, 7, response)).subarray(4);
  expect(encoded.toString('hex')).toBe(frame.toString('hex'));
  expect(decodeResponse(api, version, frame)).toMatchObject({ correlationId: 7, response });
}

const id = Buffer.from('00112233445566778899aabbccddeeff', 'hex').toString('base64url');
const idOnWire = '00112233445566778899aabbccddeeff';

describe('ApiVersions', () => {
  test('v3 request: compact strings', () => {
    checkRequest(ApiVersions, 3, {
      request: { clientSoftwareName: 'kcat', clientSoftwareVersion: '1.7' },
      wire: `${header('0012', '0003')} 05 6b636174 04 312e37 00`,
    });
  });

  test('v3 response: no tag buffer in the header; features are tags', () => {
    checkResponse(ApiVersions, 3, {
      response: {
        errorCode: 0,
        apiKeys: [{ apiKey: 3, minVersion: 0, maxVersion: 12 }],
        supportedFeatures: [{ name: 'f', minVersion: 0, maxVersion: 1 }],
        finalizedFeaturesEpoch: 5,
        zkMigrationReady: true,
      },
      wire: `00000007 0000 02 (one key) 0003 0000 000c 00 00000000 (throttle)
        03 (tags) 00 08 02 02 66 0000 0001 00 (features) 01 08 0000000000000005 03 01 01`,
    });
  });

  test('v0 response: the form that answers an unknown version', () => {
    checkResponse(ApiVersions, 0, {
      response: { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] },
      wire: '00000007 0023 00000001 0012 0000 0004',
    });
  });
});

describe('Metadata v12', () => {
  test('request for a topic by id alone', () => {
    checkRequest(Metadata, 12, {
      request: { topics: [{ topicId: id, name: null }], allowAutoTopicCreation: true },
      wire: `${header('0003', '000c')} 02 ${idOnWire} 00 (null name) 00 01 00 00`,
    });
  });

  test('request for all topics', () => {
    checkRequest(Metadata, 12, {
      request: { topics: null, allowAutoTopicCreation: false },
      wire: `${header('0003', '000c')} 00 (null: all) 00 00 00`,
    });
  });

  // It writes the null of classic arrays, four bytes long, where one is meant (seen in 2.16).
  test("librdkafka's request for all topics, with three bytes left over", () => {
    const frame = bytes(`${header('0003', '000c')} 00000000 01 00 00`);
    const request = decodeRequest(Metadata, 12, frame, readRequestHeader(frame).bodyAt);
    expect(request).toMatchObject({ topics: null, allowAutoTopicCreation: false });
  });

  test('response', () => {
    const partition = {
      errorCode: 0,
      partitionIndex: 1,
      leaderId: 2,
      leaderEpoch: 3,
      replicaNodes: [2, 4],
      isrNodes: [2],
      offlineReplicas: [],
    };
    checkResponse(Metadata, 12, {
      response: {
        brokers: [{ nodeId: 2, host: 'h', port: 9092, rack: null }],
        clusterId: 'c',
        controllerId: 2,
        topics: [
          { errorCode: 0, name: 't', topicId: id, isInternal: false, partitions: [partition] },
        ],
      },
      wire: `00000007 00 (header tags) 00000000
        02 00000002 02 68 00002384 00 00 (broker) 02 63 (cluster) 00000002
        02 0000 02 74 ${idOnWire} 00 (topic)
        02 0000 00000001 00000002 00000003 03 00000002 00000004 02 00000002 01 00 (partition)
        80000000 (operations) 00 00`,
    });
  });
});

describe('Fetch', () => {
  const partitions = [
    {
      partition: 1,
      currentLeaderEpoch: 0,
      fetchOffset: 0x1_0000_0002,
      lastFetchedEpoch: -1,
      logStartOffset: -1,
      partitionMaxBytes: 1024,
    },
  ];
  const limits = { maxWaitMs: 500, minBytes: 1, maxBytes: 4096, isolationLevel: 1 };
  const common = '000001f4 00000001 00001000 01 00000000 ffffffff';
  const partition = `00000001 00000000 0000000100000002 ffffffff ffffffffffffffff 00000400 00`;

  test('v12 request: topic names, cluster id as a tag', () => {
    checkRequest(Fetch, 12, {
      request: { ...limits, clusterId: 'c', topics: [{ topic: 't', partitions }] },
      wire: `${header('0001', '000c')} ffffffff (replica) ${common}
        02 02 74 02 ${partition} 00 01 (forgotten) 01 (rack) 01 00 02 02 63`,
    });
  });

  test('v13 request: topic ids, forgotten topics', () => {
    checkRequest(Fetch, 13, {
      request: {
        ...limits,
        topics: [{ topicId: id, partitions }],
        forgottenTopicsData: [{ topicId: id, partitions: [9] }],
        rackId: 'r',
      },
      wire: `${header('0001', '000d')} ffffffff ${common}
        02 ${idOnWire} 02 ${partition} 00 02 ${idOnWire} 02 00000009 00 02 72 00`,
    });
  });

  test('v15 request: the replica is a tag', () => {
    checkRequest(Fetch, 15, {
      request: { ...limits, replicaState: { replicaId: 3, replicaEpoch: 4 }, topics: [] },
      wire: `${header('0001', '000f')} ${common} 01 01 01
        01 01 0d 00000003 0000000000000004 00`,
    });
  });

  test('v17 request: the directory id is a tag of the partition', () => {
    const [first] = partitions;
    checkRequest(Fetch, 17, {
      request: {
        ...limits,
        topics: [{ topicId: id, partitions: [{ ...first!, replicaDirectoryId: id }] }],
      },
      wire: `${header('0001', '0011')} ${common} 02 ${idOnWire}
        02 ${partition.slice(0, -2)} 01 00 10 ${idOnWire} 00 01 01 00`,
    });
  });

  test('v16 response: epochs, leader and endpoints as tags; no records is empty, not null', () => {
    checkResponse(Fetch, 16, {
      response: {
        errorCode: 0,
        sessionId: 0,
        responses: [
          {
            topicId: id,
            partitions: [
              {
                partitionIndex: 1,
                errorCode: 6,
                highWatermark: -1,
                divergingEpoch: { epoch: 2, endOffset: 3 },
                currentLeader: { leaderId: 4, leaderEpoch: 5 },
                records: Buffer.alloc(0),
              },
            ],
          },
        ],
        nodeEndpoints: [{ nodeId: 4, host: 'h', port: 9, rack: null }],
      },
      wire: `00000007 00 00000000 0000 00000000 02 ${idOnWire}
        02 00000001 0006 ffffffffffffffff ffffffffffffffff ffffffffffffffff
        00 (no aborted) ffffffff 01 (no records)
        02 00 0d 00000002 0000000000000003 00 01 09 00000004 00000005 00
        00 01 00 0d 02 00000004 02 68 00000009 00 00`,
    });
  });
});

describe('Produce', () => {
  const records = Buffer.from('abc');

  test('v9 request', () => {
    checkRequest(Produce, 9, {
      request: {
        transactionalId: null,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: 't', partitionData: [{ index: 2, records }] }],
      },
      wire: `${header('0000', '0009')} 00 ffff 00007530
        02 02 74 02 00000002 04 616263 00 00 00`,
    });
  });

  test('v3 request: classic lengths', () => {
    checkRequest(Produce, 3, {
      request: {
        transactionalId: 'x',
        acks: 1,
        timeoutMs: 1,
        topicData: [{ name: 't', partitionData: [{ index: 2, records: null }] }],
      },
      wire: `${header('0000', '0003', '')} 0001 78 0001 00000001
        00000001 0001 74 00000001 00000002 ffffffff`,
    });
  });

  test('v10 response: the current leader is a tag of the partition', () => {
    checkResponse(Produce, 10, {
      response: {
        responses: [
          {
            name: 't',
            partitionResponses: [
              {
                index: 2,
                errorCode: 6,
                baseOffset: -1,
                recordErrors: [{ batchIndex: 0, batchIndexErrorMessage: 'e' }],
                errorMessage: 'no',
                currentLeader: { leaderId: 1, leaderEpoch: 8 },
              },
            ],
          },
        ],
        nodeEndpoints: [{ nodeId: 1, host: 'h', port: 9, rack: 'r' }],
      },
      wire: `00000007 00 02 02 74
        02 00000002 0006 ffffffffffffffff ffffffffffffffff ffffffffffffffff
        02 00000000 02 65 00 03 6e6f 01 00 09 00000001 00000008 00 00 00000000
        01 00 0e 02 00000001 02 68 00000009 02 72 00`,
    });
  });
});

describe('groups', () => {
  test('FindCoordinator v4: several keys', () => {
    checkRequest(FindCoordinator, 4, {
      request: { keyType: 0, coordinatorKeys: ['a', 'b'] },
      wire: `${header('000a', '0004')} 00 03 02 61 02 62 00`,
    });
    checkResponse(FindCoordinator, 4, {
      response: {
        coordinators: [{ key: 'a', nodeId: 1, host: 'h', port: 9, errorCode: 0 }],
      },
      wire: '00000007 00 00000000 02 02 61 00000001 02 68 00000009 0000 00 00 00',
    });
  });

  test('OffsetFetch v8: several groups', () => {
    checkRequest(OffsetFetch, 8, {
      request: {
        groups: [
          { groupId: 'g', topics: [{ name: 't', partitionIndexes: [1, 2] }] },
          { groupId: 'all', topics: null },
        ],
        requireStable: true,
      },
      wire: `${header('0009', '0008')} 03 02 67 02 02 74 03 00000001 00000002 00 00
        04 616c6c 00 00 01 00`,
    });
    const partitions = [{ partitionIndex: 1, committedOffset: 5, metadata: '', errorCode: 0 }];
    checkResponse(OffsetFetch, 8, {
      response: {
        groups: [{ groupId: 'g', topics: [{ name: 't', partitions }], errorCode: 0 }],
      },
      wire: `00000007 00 00000000 02 02 67 02 02 74
        02 00000001 0000000000000005 ffffffff 01 0000 00 00 0000 00 00`,
    });
  });

  test('JoinGroup v9', () => {
    checkRequest(JoinGroup, 9, {
      request: {
        groupId: 'g',
        sessionTimeoutMs: 10,
        rebalanceTimeoutMs: 20,
        memberId: '',
        groupInstanceId: 'i',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from([1, 2]) }],
        reason: null,
      },
      wire: `${header('000b', '0009')} 02 67 0000000a 00000014 01 02 69 09 636f6e73756d6572
        02 06 72616e6765 03 0102 00 00 00`,
    });
    checkResponse(JoinGroup, 9, {
      response: {
        errorCode: 0,
        generationId: 1,
        protocolType: 'consumer',
        protocolName: 'range',
        leader: 'm',
        skipAssignment: true,
        memberId: 'm',
        members: [{ memberId: 'm', groupInstanceId: null, metadata: Buffer.from([9]) }],
      },
      wire: `00000007 00 00000000 0000 00000001 09 636f6e73756d6572 06 72616e6765
        02 6d 01 02 6d 02 02 6d 00 02 09 00 00`,
    });
  });
});

test('tags that nobody knows are stepped over, wherever they are', () => {
  const unknown = '02 (tags) 09 03 010203 ff01 00';
  const frame = bytes(`${header('0000', '0009', unknown)} 00 ffff 00007530
    02 02 74 02 00000002 01 ${unknown} ${unknown} ${unknown}`);
  const { bodyAt, clientId } = readRequestHeader(frame);
  expect(clientId).toBe('me');
  expect(decodeRequest(Produce, 9, frame, bodyAt).topicData).toEqual([
    { name: 't', partitionData: [{ index: 2, records: Buffer.alloc(0) }] },
  ]);
});

test('a tag over 127 bytes has a size of two bytes', () => {
  const nodeEndpoints = [{ nodeId: 1, host: 'h'.repeat(300), port: 9, rack: null }];
  const [frame] = encodeResponse(Produce, 10, 7, { responses: [], nodeEndpoints });
  const wire = bytes(`00000007 00 01 00000000 01 00 b902 02 00000001 ad02 ${'68'.repeat(300)}
    00000009 00 00`);
  expect(frame!.subarray(4).toString('hex')).toBe(wire.toString('hex'));
});
