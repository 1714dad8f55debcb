import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import {
  DeleteGroups,
  DescribeGroups,
  ErrorCode,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  SyncGroup,
} from '@sluice/wire';

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker();
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

const text = (value: string) => Buffer.from(value);

/** What a consumer says when it joins. */
const hello = (groupId: string, more: { memberId?: string; groupInstanceId?: string } = {}) => ({
  groupId,
  memberId: '',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: text('what I want') }],
  ...more,
});

/**
 * Joins as the only member, in whatever steps the version needs, and takes `assignment` as its own.
 */
async function joinAlone(groupId: string, version = 9, assignment = text('all')) {
  let joined = await client.send(JoinGroup, version, hello(groupId));
  if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
    const { memberId } = joined;
    joined = await client.send(JoinGroup, version, hello(groupId, { memberId }));
  }
  const { memberId, generationId } = joined;
  const member = { groupId, memberId, generationId };
  const assignments = [{ memberId, assignment }];
  const named = { protocolType: 'consumer', protocolName: 'range' };
  const syncVersion = Math.min(version, 5);
  const synced = await client.send(SyncGroup, syncVersion, { ...member, ...named, assignments });
  return { joined, synced, member };
}

describe('a member', () => {
  test.each([
    [0, 0, 0, 0],
    [5, 3, 3, 3],
    [9, 5, 4, 5],
  ])('lives through JoinGroup v%i, SyncGroup v%i, Heartbeat v%i, LeaveGroup v%i', async (...v) => {
    const [join, , beat, leave] = v;
    const groupId = `life-v${join}`;
    const { joined, synced, member } = await joinAlone(groupId, join);
    const { memberId } = member;
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' });
    expect(joined).toMatchObject({ leader: memberId, members: [{ memberId }] });
    expect(joined.members[0]!.metadata).toEqual(text('what I want'));
    expect(joined.protocolType).toBe(join >= 7 ? 'consumer' : null);
    expect(memberId).toMatch(/^raw-client-/);
    expect(synced).toMatchObject({ errorCode: 0, assignment: text('all') });
    expect(await client.send(Heartbeat, beat, member)).toEqual({ throttleTimeMs: 0, errorCode: 0 });
    const left = await client.send(LeaveGroup, leave, {
      groupId,
      memberId,
      members: [{ memberId }],
    });
    expect(left.errorCode).toBe(0);
    if (leave >= 3) expect(left.members).toMatchObject([{ memberId, errorCode: 0 }]);
    expect((await host.groups.describe(groupId)).groupState).toBe('Empty');
  });

  test('is told its id first from v4 on, and may use no other', async () => {
    const first = await client.send(JoinGroup, 4, hello('told'));
    expect(first).toMatchObject({
      errorCode: ErrorCode.MEMBER_ID_REQUIRED,
      generationId: -1,
      protocolName: '',
      leader: '',
      members: [],
    });
    expect(first.memberId).not.toBe('');
    const stranger = await client.send(JoinGroup, 7, hello('told', { memberId: 'stranger' }));
    expect(stranger).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
      protocolName: null,
      memberId: 'stranger',
    });
  });

  test('that is static joins at once, and leaves by its instance id', async () => {
    const groupInstanceId = 'worker-1';
    const joined = await client.send(JoinGroup, 5, hello('static', { groupInstanceId }));
    expect(joined).toMatchObject({ errorCode: 0, members: [{ groupInstanceId }] });
    const left = await client.send(LeaveGroup, 3, {
      groupId: 'static',
      members: [
        { memberId: '', groupInstanceId },
        { memberId: '', groupInstanceId: 'worker-2' },
      ],
    });
    expect(left).toMatchObject({
      errorCode: 0,
      members: [
        { memberId: '', groupInstanceId, errorCode: 0 },
        { groupInstanceId: 'worker-2', errorCode: ErrorCode.UNKNOWN_MEMBER_ID },
      ],
    });
  });

  test('waits for the others, and gets its share or an empty one that can be decoded', async () => {
    const groupId = 'two';
    const { member: leader } = await joinAlone(groupId);
    const others = await RawClient.connect(host.port);
    const { memberId } = await others.send(JoinGroup, 9, hello(groupId));
    const parked = others.send(JoinGroup, 9, hello(groupId, { memberId }));
    await becomes(groupId, 'PreparingRebalance');
    const beat = await client.send(Heartbeat, 4, leader);
    expect(beat.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const rejoined = await client.send(JoinGroup, 9, hello(groupId, { memberId: leader.memberId }));
    const followed = await parked;
    expect(rejoined).toMatchObject({ generationId: 2, leader: leader.memberId });
    expect(rejoined.members).toHaveLength(2);
    expect(followed).toMatchObject({ generationId: 2, leader: leader.memberId, members: [] });
    const named = { groupId, generationId: 2, protocolType: 'consumer', protocolName: 'range' };
    const waiting = others.send(SyncGroup, 5, { ...named, memberId, assignments: [] });
    const assignments = [{ memberId: leader.memberId, assignment: text('all') }];
    const sync = { ...named, memberId: leader.memberId, assignments };
    expect((await client.send(SyncGroup, 5, sync)).assignment).toEqual(text('all'));
    const empty = Buffer.from('000000000000ffffffff', 'hex');
    expect(await waiting).toMatchObject({ errorCode: 0, assignment: empty });
    await others.close();
  });

  test.each([
    ['no group id', { groupId: '' }, 'INVALID_GROUP_ID'],
    ['a short session', { sessionTimeoutMs: 10 }, 'INVALID_SESSION_TIMEOUT'],
    ['no protocols', { protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
  ] as const)('is refused with %s', async (_, more, error) => {
    for (const version of [0, 9]) {
      const refused = await client.send(JoinGroup, version, { ...hello('refused'), ...more });
      expect(refused).toMatchObject({ errorCode: ErrorCode[error], members: [] });
    }
  });

  test('is refused where it is unknown, late, or does not say its protocol', async () => {
    const { member } = await joinAlone('refusals');
    const unknown = { ...member, memberId: 'nobody' };
    const late = { ...member, generationId: 0 };
    const { UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL } = ErrorCode;
    for (const version of [0, 4]) {
      const beats = [unknown, late].map((who) => client.send(Heartbeat, version, who));
      const codes = (await Promise.all(beats)).map(({ errorCode }) => errorCode);
      expect(codes).toEqual([UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION]);
    }
    const unnamed = await client.send(SyncGroup, 5, { ...member, assignments: [] });
    expect(unnamed.errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL);
    const older = await client.send(SyncGroup, 4, { ...member, assignments: [] });
    expect(older).toMatchObject({ errorCode: 0, assignment: text('all') });
    const left = await client.send(LeaveGroup, 0, { groupId: 'refusals', memberId: 'nobody' });
    expect(left.errorCode).toBe(UNKNOWN_MEMBER_ID);
  });
});

describe('DescribeGroups', () => {
  test.each([0, 6])('v%i tells state and members', async (version) => {
    const groupId = `described-v${version}`;
    const { member } = await joinAlone(groupId);
    const { groups } = await client.send(DescribeGroups, version, { groups: [groupId] });
    expect(groups).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        groupId,
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [
          {
            memberId: member.memberId,
            groupInstanceId: null,
            clientId: 'raw-client',
            clientHost: '/127.0.0.1',
            memberMetadata: text('what I want'),
            memberAssignment: text('all'),
          },
        ],
        authorizedOperations: -2_147_483_648,
      },
    ]);
  });

  test('tells an unknown group as dead, and from v6 on as an error', async () => {
    const request = { groups: ['unknown', ''], includeAuthorizedOperations: true };
    const dead = { errorCode: 0, groupId: 'unknown', groupState: 'Dead', members: [] };
    const empty = { errorCode: ErrorCode.INVALID_GROUP_ID, groupId: '' };
    const old = await client.send(DescribeGroups, 5, request);
    expect(old.groups).toMatchObject([dead, empty]);
    const { groups } = await client.send(DescribeGroups, 6, request);
    const errorCode = ErrorCode.GROUP_ID_NOT_FOUND;
    expect(groups).toMatchObject([{ ...dead, errorCode }, empty]);
    expect(groups[0]!.errorMessage).toContain("'unknown'");
    expect(groups[1]!.errorMessage).not.toBeNull();
  });
});

describe('ListGroups', () => {
  test('lists all groups, with states (v4) and types (v5), and selects by them', async () => {
    const { member } = await joinAlone('listed-empty');
    await client.send(LeaveGroup, 0, member);
    await joinAlone('listed-stable');
    const list = async (version: number, request = {}) => {
      const { errorCode, groups } = await client.send(ListGroups, version, request);
      expect(errorCode).toBe(0);
      return groups
        .filter(({ groupId }) => groupId.startsWith('listed'))
        .map(({ groupId, groupState, groupType }) => `${groupId} ${groupState} ${groupType}`)
        .sort();
    };
    expect(await list(0)).toEqual(['listed-empty  ', 'listed-stable  ']);
    const both = ['listed-empty Empty classic', 'listed-stable Stable classic'];
    expect(await list(5)).toEqual(both);
    expect(await list(4, { statesFilter: ['stable'] })).toEqual(['listed-stable Stable ']);
    expect(await list(5, { typesFilter: ['Classic'] })).toEqual(both);
    expect(await list(5, { typesFilter: ['share'] })).toEqual([]);
    expect(await list(5, { statesFilter: ['no such state'] })).toEqual([]);
  });
});

describe('a group that cannot be read', () => {
  test('is told so, with the reason, and deleted; the others are as they were', async () => {
    const { member } = await joinAlone('broken');
    await joinAlone('whole');
    await host.stop();
    const link = await connectLink(host.redis, { keyPrefix: host.keyPrefix });
    const key = `${host.keyPrefix}{group/broken}:state`;
    await link.write.hset(key, 'head', 'damaged');
    await link.close();
    await client.close();
    host = await startBroker({ redis: host.redis, keyPrefix: host.keyPrefix });
    client = await RawClient.connect(host.port);

    const beat = await client.send(Heartbeat, 4, member);
    expect(beat.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const errorCode = ErrorCode.UNKNOWN_SERVER_ERROR;
    const described = await client.send(DescribeGroups, 6, { groups: ['broken', 'whole'] });
    expect(described.groups).toMatchObject([
      { errorCode, errorMessage: expect.stringContaining(key), groupState: 'Unknown' },
      { errorCode: 0, errorMessage: null, groupState: 'Stable' },
    ]);
    const listed = async () => {
      const { errorCode: code, groups } = await client.send(ListGroups, 5, {});
      expect(code).toBe(0);
      const names = groups.map(({ groupId, groupState }) => `${groupId} ${groupState}`);
      return names.filter((name) => /^(broken|whole)/.test(name)).sort();
    };
    expect(await listed()).toEqual(['broken Unknown', 'whole Stable']);
    const { results } = await client.send(DeleteGroups, 2, { groupsNames: ['broken'] });
    expect(results).toEqual([{ groupId: 'broken', errorCode: 0 }]);
    expect(await listed()).toEqual(['whole Stable']);
  });
});

describe('a name that is too long to be told to older clients', () => {
  test.each([
    ['group id', { groupId: 'g'.repeat(40_000) }],
    ['instance id', { groupInstanceId: 'i'.repeat(40_000) }],
    ['protocol', { protocols: [{ name: 'p'.repeat(40_000), metadata: text('') }] }],
  ])('(a %s) harms only the connection it comes from', async (_, more) => {
    const careless = await RawClient.connect(host.port);
    const refused = careless.send(JoinGroup, 9, { ...hello('long-names'), ...more });
    await expect(refused).rejects.toThrow('the connection is closed');
    const { errorCode } = await client.send(ListGroups, 2, {});
    expect(errorCode).toBe(0);
    const { groups } = await client.send(DescribeGroups, 4, { groups: ['long-names'] });
    expect(groups).toMatchObject([{ groupState: 'Dead' }]);
  });

  test('(a client id) is refused', async () => {
    const clientId = 'c'.repeat(32_767);
    const careless = await RawClient.connect(host.port, { clientId });
    for (const version of [0, 9]) {
      const refused = await careless.send(JoinGroup, version, hello('long-names'));
      expect(refused.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    }
    await careless.close();
  });
});

describe('DeleteGroups', () => {
  test.each([0, 2])('v%i deletes groups without members', async (version) => {
    const groupId = `deleted-v${version}`;
    const { member } = await joinAlone(groupId);
    const groupsNames = [groupId, 'unknown', '', 'unknown'];
    const unknown = { groupId: 'unknown', errorCode: ErrorCode.GROUP_ID_NOT_FOUND };
    const unnamed = { groupId: '', errorCode: ErrorCode.INVALID_GROUP_ID };
    const refused = await client.send(DeleteGroups, version, { groupsNames });
    const full = { groupId, errorCode: ErrorCode.NON_EMPTY_GROUP };
    expect(refused.results).toEqual([full, unknown, unnamed]);
    await client.send(LeaveGroup, 0, member);
    const { results } = await client.send(DeleteGroups, version, { groupsNames });
    expect(results).toEqual([{ groupId, errorCode: 0 }, unknown, unnamed]);
    const { groups } = await client.send(DescribeGroups, 0, { groups: [groupId] });
    expect(groups).toMatchObject([{ groupState: 'Dead' }]);
  });
});

describe('when a gateway stops', () => {
  test('a parked join is answered, and the group goes on with the next gateway', async () => {
    const { redis, keyPrefix } = host;
    const first = await startBroker({ redis, keyPrefix });
    const mine = await RawClient.connect(first.port);
    const groupId = 'moves';
    const slow = { ...hello(groupId), sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 };
    const one = await mine.send(JoinGroup, 3, slow);
    const others = await RawClient.connect(first.port);
    const parked = others.send(JoinGroup, 3, slow);
    const stateOf = async () => (await first.groups.describe(groupId)).groupState;
    while ((await stateOf()) !== 'PreparingRebalance') await pause();
    await first.stop();
    expect(await parked).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR, members: [] });
    const next = await startBroker({ redis, keyPrefix });
    const { groupState, members } = await next.groups.describe(groupId);
    expect(groupState).toBe('PreparingRebalance');
    expect(members.map(({ memberId }) => memberId)).toContain(one.memberId);
    await next.stop();
  });
});

const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

async function becomes(groupId: string, state: string): Promise<void> {
  while ((await host.groups.describe(groupId)).groupState !== state) await pause();
}

// librdkafka takes no other error for the end of its search, and Java shows no message with it.
test.each([
  [1, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
  [3, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
  [4, ErrorCode.INVALID_REQUEST],
  [5, ErrorCode.INVALID_REQUEST],
])('a transactional id has no coordinator (v%i)', async (version, errorCode) => {
  const asked = version < 4 ? { key: 'pay' } : { coordinatorKeys: ['pay'] };
  const reply = await client.send(FindCoordinator, version, { ...asked, keyType: 1 });
  const [found = reply] = reply.coordinators;
  const errorMessage = expect.stringContaining('transactions are not available');
  expect(found).toMatchObject({ errorCode, errorMessage, nodeId: -1, port: -1 });
});
