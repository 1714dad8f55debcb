import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { sharedRedis } from '@sluice/test/support/redis';
import {
  CreateTopics,
  DeleteTopics,
  ErrorCode,
  JoinGroup,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  type RequestInput,
} from '@sluice/wire';

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker();
  client = await RawClient.connect(host.port);
  const topics = ['orders', 'bills', 'short-lived'].map((name) => {
    return { name, numPartitions: 2, replicationFactor: 1 };
  });
  await client.send(CreateTopics, 7, { topics });
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

type Offsets = RequestInput<typeof OffsetCommit>['topics'];

/** Offsets of one topic, by partition. */
function offsetsOf(
  name: string,
  ...offsets: [partition: number, offset: number, about?: string][]
) {
  const partitions = offsets.map(([partitionIndex, committedOffset, about]) => ({
    partitionIndex,
    committedOffset,
    committedLeaderEpoch: 0,
    committedMetadata: about ?? null,
  }));
  return { name, partitions };
}

/** Commits as somebody who is in no group; gives the error of each partition. */
async function commit(groupId: string, topics: Offsets, version = 9, member = {}) {
  const reply = await client.send(OffsetCommit, version, { groupId, topics, ...member });
  return reply.topics.map(({ name, partitions }) => ({
    name,
    errors: partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
  }));
}

describe('OffsetCommit and OffsetFetch', () => {
  test.each([
    [2, 1],
    [2, 2],
    [6, 5],
    [7, 7],
  ])('v%i writes what v%i reads', async (writeVersion, readVersion) => {
    const groupId = `plain-v${writeVersion}-v${readVersion}`;
    const topics = [offsetsOf('orders', [0, 42, 'half way'])];
    expect(await commit(groupId, topics, writeVersion)).toEqual([
      { name: 'orders', errors: [[0, 0]] },
    ]);
    const asked = [{ name: 'orders', partitionIndexes: [0, 1] }];
    const read = await client.send(OffsetFetch, readVersion, { groupId, topics: asked });
    expect(read.errorCode).toBe(0);
    const leaderEpoch = writeVersion >= 6 && readVersion >= 5 ? 0 : -1;
    expect(read.topics).toMatchObject([
      {
        name: 'orders',
        partitions: [
          {
            partitionIndex: 0,
            committedOffset: 42,
            committedLeaderEpoch: leaderEpoch,
            metadata: 'half way',
            errorCode: 0,
          },
          {
            partitionIndex: 1,
            committedOffset: -1,
            committedLeaderEpoch: -1,
            metadata: '',
            errorCode: 0,
          },
        ],
      },
    ]);
  });

  test('v9 reads many groups at once, some of them whole', async () => {
    await commit('many-1', [offsetsOf('orders', [0, 1], [1, 2])]);
    await commit('many-2', [offsetsOf('orders', [0, 3]), offsetsOf('bills', [1, 4])]);
    const { groups } = await client.send(OffsetFetch, 9, {
      groups: [
        { groupId: 'many-1', topics: [{ name: 'orders', partitionIndexes: [1] }] },
        { groupId: 'many-2', memberId: 'somebody', memberEpoch: 3, topics: null },
        { groupId: 'many-3', topics: null },
        { groupId: '', topics: null },
        { groupId: 'many-1', topics: [{ name: 'nowhere', partitionIndexes: [0] }] },
      ],
      requireStable: true,
    });
    const told = groups.map(({ groupId, errorCode, topics }) => ({
      groupId,
      errorCode,
      offsets: topics.flatMap(({ name, partitions }) =>
        partitions.map((one) => `${name}/${one.partitionIndex}=${one.committedOffset}`),
      ),
    }));
    expect(told.map(({ offsets }) => offsets.sort())).toEqual([
      ['orders/1=2'],
      ['bills/1=4', 'orders/0=3'],
      [],
      [],
      ['nowhere/0=-1'],
    ]);
    const codes = [0, 0, 0, ErrorCode.INVALID_GROUP_ID, 0];
    expect(told.map(({ errorCode }) => errorCode)).toEqual(codes);
  });

  test('null topics mean all from v2 on', async () => {
    await commit('all', [offsetsOf('orders', [0, 1]), offsetsOf('bills', [0, 2])]);
    for (const version of [2, 7]) {
      const { topics } = await client.send(OffsetFetch, version, { groupId: 'all', topics: null });
      expect(topics.map(({ name }) => name).sort()).toEqual(['bills', 'orders']);
    }
    const none = await client.send(OffsetFetch, 2, { groupId: 'all', topics: [] });
    expect(none.topics).toEqual([]);
  });

  test('an error of the group stands where the version has a place for it', async () => {
    const topics = [{ name: 'orders', partitionIndexes: [0] }];
    const errorCode = ErrorCode.INVALID_GROUP_ID;
    const v1 = await client.send(OffsetFetch, 1, { groupId: '', topics });
    const nothing = { committedOffset: -1, metadata: '' };
    expect(v1.topics).toMatchObject([{ partitions: [{ ...nothing, errorCode }] }]);
    const v2 = await client.send(OffsetFetch, 2, { groupId: '', topics });
    expect(v2).toMatchObject({ errorCode, topics: [] });
  });

  test('unknown partitions are refused, and the others are committed', async () => {
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const topics = [offsetsOf('nowhere', [0, 1]), offsetsOf('orders', [2, 1], [1, 7], [-1, 1])];
    const errors = [
      { name: 'nowhere', errors: [[0, unknown]] },
      {
        name: 'orders',
        errors: [
          [2, unknown],
          [1, 0],
          [-1, unknown],
        ],
      },
    ];
    expect(await commit('partly', topics, 2)).toEqual(errors);
    expect(await commit('partly', topics, 9)).toEqual(errors);
    const { topics: read } = await client.send(OffsetFetch, 7, { groupId: 'partly', topics: null });
    expect(read).toMatchObject([{ partitions: [{ partitionIndex: 1, committedOffset: 7 }] }]);
    expect(await commit('nothing-at-all', [offsetsOf('nowhere', [0, 1])])).toHaveLength(1);
    const { groupState } = await host.groups.describe('nothing-at-all');
    expect(groupState).toBe('Dead');
  });

  test('an error of the member stands at every partition, and nothing is committed', async () => {
    const joined = await client.send(JoinGroup, 0, {
      groupId: 'members',
      memberId: '',
      sessionTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    });
    const topics = [offsetsOf('orders', [0, 1], [1, 1])];
    const codeOf = async (member: object) => {
      const [reply] = await commit('members', topics, 9, member);
      const [first, second] = reply!.errors;
      expect(first![1]).toBe(second![1]);
      return first![1];
    };
    const { memberId, generationId: generationIdOrMemberEpoch } = joined;
    expect(await codeOf({})).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const late = { memberId, generationIdOrMemberEpoch: 7 };
    expect(await codeOf(late)).toBe(ErrorCode.ILLEGAL_GENERATION);
    const syncing = { memberId, generationIdOrMemberEpoch };
    expect(await codeOf(syncing)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const { offsets } = await host.groups.fetchOffsets({ groupId: 'members', partitions: null });
    expect(offsets).toEqual([]);
  });

  test('an offset beyond what is exact is refused for its partition only', async () => {
    const tooLarge = Number.MAX_SAFE_INTEGER;
    const topics = [offsetsOf('orders', [0, tooLarge], [1, tooLarge - 1])];
    const errors = [
      [0, ErrorCode.INVALID_COMMIT_OFFSET_SIZE],
      [1, 0],
    ];
    expect(await commit('large', topics)).toEqual([{ name: 'orders', errors }]);
    const { topics: read } = await client.send(OffsetFetch, 7, { groupId: 'large', topics: null });
    expect(read).toMatchObject([{ partitions: [{ committedOffset: tooLarge - 1 }] }]);
  });

  test('metadata that is too long is refused for its partition only', async () => {
    const topics = [offsetsOf('orders', [0, 1, 'x'.repeat(4_097)], [1, 1, 'x'.repeat(4_096)])];
    expect(await commit('long', topics)).toEqual([
      {
        name: 'orders',
        errors: [
          [0, ErrorCode.OFFSET_METADATA_TOO_LARGE],
          [1, 0],
        ],
      },
    ]);
  });

  test('a topic that is deleted and made again has no offsets', async () => {
    await commit('again', [offsetsOf('short-lived', [0, 9])]);
    await client.send(DeleteTopics, 6, { topics: [{ name: 'short-lived' }], timeoutMs: 5_000 });
    const read = async () => {
      const asked = [{ name: 'short-lived', partitionIndexes: [0] }];
      const { topics } = await client.send(OffsetFetch, 7, { groupId: 'again', topics: asked });
      return topics[0]!.partitions[0]!.committedOffset;
    };
    expect(await read()).toBe(-1);
    const all = await client.send(OffsetFetch, 7, { groupId: 'again', topics: null });
    expect(all.topics).toEqual([]);
    await client.send(CreateTopics, 7, {
      topics: [{ name: 'short-lived', numPartitions: 1, replicationFactor: 1 }],
    });
    expect(await read()).toBe(-1);
  });
});

/** Asks for offsets of one topic to be forgotten. */
const remove = (groupId: string, name: string, ...partitions: number[]) =>
  client.send(OffsetDelete, 0, {
    groupId,
    topics: [{ name, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }],
  });

describe('OffsetDelete', () => {
  test('forgets offsets, also ones that were never there', async () => {
    await commit('forgets', [offsetsOf('orders', [0, 1], [1, 2])]);
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const reply = await remove('forgets', 'orders', 0, 2);
    expect(reply).toMatchObject({
      errorCode: 0,
      topics: [
        {
          name: 'orders',
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 2, errorCode: unknown },
          ],
        },
      ],
    });
    expect((await remove('forgets', 'bills', 0)).topics).toMatchObject([
      { partitions: [{ errorCode: 0 }] },
    ]);
    expect((await remove('forgets', 'nowhere', 0)).topics).toMatchObject([
      { partitions: [{ errorCode: unknown }] },
    ]);
    const { topics } = await client.send(OffsetFetch, 7, { groupId: 'forgets', topics: null });
    expect(topics).toMatchObject([{ name: 'orders', partitions: [{ partitionIndex: 1 }] }]);
  });

  test('is refused for groups that are not there, and topics that somebody reads', async () => {
    expect(await remove('unknown', 'orders', 0)).toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      topics: [],
    });
    const name = Buffer.from('orders');
    const subscription = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, name.length]), name]);
    await client.send(JoinGroup, 0, {
      groupId: 'reads',
      memberId: '',
      sessionTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription }],
    });
    const subscribed = await remove('reads', 'orders', 0);
    expect(subscribed.topics).toMatchObject([
      { partitions: [{ errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }] },
    ]);
    expect((await remove('reads', 'bills', 0)).topics).toMatchObject([
      { partitions: [{ errorCode: 0 }] },
    ]);
  });
});
