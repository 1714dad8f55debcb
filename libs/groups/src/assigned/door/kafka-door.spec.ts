import { systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { FakeTopics } from '../../../test/fake-topics';
import { RecordedLog } from '../../../test/recorded-log';
import { TestConsumer } from '../../../test/test-consumer';
import { TestMember } from '../../../test/test-member';
import { GroupCoordinator } from '../../coordinator/coordinator';
import { GroupHousekeeping } from '../../housekeeping/group-housekeeping';
import { readAssignedPartitions } from '../../operating/assignment';
import { GroupKeys } from '../../store/keys';

let redis: TestRedis;
let link: RedisLink;
let log: RecordedLog;
let coordinator: GroupCoordinator;
let topics: FakeTopics;
let members: TestMember[];
const limits = { initialRebalanceDelayMs: 0, sessionTimeoutMsMin: 50, lookClaimMs: 50 };
const groupId = 'g';

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  log = new RecordedLog();
  const parts = { redis: link, clock: systemClock, random: systemRandom, log };
  coordinator = new GroupCoordinator({ ...parts, limits });
  coordinator.start();
  topics = new FakeTopics();
  topics.create('orders', 2);
  members = [];
});
afterEach(async () => {
  await Promise.all(members.map(({ session }) => session.leave()));
  await coordinator.stop();
  await link.close();
});

async function join(sessionTimeoutMs = 5000, instanceId?: string): Promise<TestMember> {
  const settings = { groupId, sessionTimeoutMs, instanceId };
  const made = new TestMember({ redis: link, topics }, settings);
  members.push(made);
  return made.join();
}

function consumer(): TestConsumer {
  return new TestConsumer({ coordinator: () => coordinator, groupId, name: 'kafka' });
}

const one = { topicId: 'id-orders', topic: 'orders', partition: 0 };

/** A commit as tools make it. */
function commit(offset: number) {
  const offsets = [{ ...one, offset, leaderEpoch: -1, metadata: null }];
  const claim = { groupId, generationId: -1, memberId: '', groupInstanceId: null };
  return coordinator.commitOffsets({ ...claim, offsets });
}

async function committed(): Promise<number> {
  const { offsets } = await coordinator.fetchOffsets({ groupId, partitions: [one] });
  return offsets[0]!.offset;
}

describe('a Kafka client at a group whose members read straight from Redis', () => {
  test('is refused, whatever it asks for, and nothing is told to be damaged', async () => {
    await join();
    const joined = await consumer().join();
    expect(joined.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect((await commit(5)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const known = { groupId, memberId: 'm', groupInstanceId: null, generationId: 1 };
    expect(await coordinator.heartbeat(known)).toEqual({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
    expect(await coordinator.deleteGroup(groupId)).toBe(ErrorCode.NON_EMPTY_GROUP);
    expect(log.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  test('sees the members and what they read', async () => {
    const member = await join();
    const { groups } = await coordinator.list();
    const listed = { groupId, groupType: 'consumer', protocolType: 'consumer' };
    expect(groups).toEqual([{ ...listed, groupState: 'Stable' }]);
    const described = await coordinator.describe(groupId);
    expect(described).toMatchObject({ groupState: 'Stable', protocolData: 'sticky' });
    expect(described.members.map(({ memberId }) => memberId)).toEqual([member.session.memberId]);
    const bytes = described.members[0]!.memberAssignment;
    expect(readAssignedPartitions(bytes)).toEqual([
      { topic: 'orders', partition: 0 },
      { topic: 'orders', partition: 1 },
    ]);
  });

  test('deletes offsets of topics that no member reads, and no others', async () => {
    await commit(7);
    await join();
    const other = { topicId: 'id-other', topic: 'other', partition: 0 };
    const { partitions } = await coordinator.deleteOffsets({ groupId, partitions: [one, other] });
    const codes = partitions.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE]);
    expect(await committed()).toBe(7);
  });
});

/** @returns the error codes of those that are named */
async function remove(...named: { memberId?: string; instanceId?: string }[]): Promise<number[]> {
  const leaving = named.map(({ memberId = '', instanceId: groupInstanceId = null }) => {
    return { memberId, groupInstanceId };
  });
  const { errorCode, members } = await coordinator.leave({ groupId, members: leaving });
  expect(errorCode).toBe(ErrorCode.NONE);
  return members.map((member) => member.errorCode);
}

describe('an operator who removes members', () => {
  test('names a static one by its instance id, and others have what it had, at once', async () => {
    const gone = await join(60_000, 'till-1');
    const other = await join(60_000);
    await gone.session.leave();
    // Static members are waited for.
    expect((await coordinator.describe(groupId)).members).toHaveLength(2);
    expect(await remove({ instanceId: 'till-1' })).toEqual([ErrorCode.NONE]);
    await eventually(() => other.holds === 'orders/0 orders/1');
    expect((await coordinator.describe(groupId)).members).toHaveLength(1);
  });

  test('is told of each that is none, and of the older process of an instance', async () => {
    const first = await join(60_000, 'till-1');
    await first.session.leave();
    const second = await join(60_000, 'till-1');
    const unknown = ErrorCode.UNKNOWN_MEMBER_ID;
    expect(await remove({ memberId: 'nobody' }, { instanceId: 'till-2' })).toEqual([
      unknown,
      unknown,
    ]);
    const older = { memberId: first.session.memberId, instanceId: 'till-1' };
    expect(await remove(older)).toEqual([ErrorCode.FENCED_INSTANCE_ID]);
    const newer = { memberId: second.session.memberId, instanceId: 'till-1' };
    expect(await remove(newer, newer)).toEqual([ErrorCode.NONE, unknown]);
  });

  test('has one that is alive give up all that it has, and it joins again', async () => {
    const member = await join(60_000);
    const { memberId, memberEpoch } = member.session;
    expect(await remove({ memberId })).toEqual([ErrorCode.NONE]);
    await eventually(() => member.session.memberEpoch > memberEpoch);
    await eventually(() => member.holds === 'orders/0 orders/1');
    expect(member.events).toContain('fenced');
  });
});

describe('a group that passes from one kind of members to the other', () => {
  test('keeps its offsets when Kafka clients take it over, and back', async () => {
    const member = await join();
    const { ownerEpoch } = member.held.get('orders/0')!;
    const done = { ...one, ownerEpoch, offset: 3, leaderEpoch: 0 };
    expect(await member.session.commit([done])).toMatchObject({ outcome: 'committed' });
    await member.session.leave();

    const kafka = consumer().start();
    await eventually(() => kafka.assigned !== null);
    expect(await committed()).toBe(3);
    await expect(join()).rejects.toMatchObject({ name: 'GroupRefused', reason: 'other-kind' });
    await kafka.close();
    expect((await commit(9)).errorCode).toBe(ErrorCode.NONE);

    const second = await join();
    const grant = second.held.get('orders/0')!;
    expect(grant.committed!.offset).toBe(9);
    expect(grant.ownerEpoch).toBeGreaterThan(ownerEpoch);
  });

  test('is a Kafka client’s to join once the sessions of all members are over', async () => {
    const member = await join(300);
    // Silent without leaving, as a process that is killed.
    const { memberId, memberEpoch } = member.session;
    await member.session.leave();
    const state = new GroupKeys(link.keyPrefix).state(groupId);
    expect(memberEpoch).toBeGreaterThan(0);
    const silent = await join(300);
    const fields = await link.read.hgetall(state);
    await silent.session.leave();
    await link.write.hset(state, fields);
    expect(fields).not.toHaveProperty(`member/${memberId}`);
    await eventually(async () => {
      const { errorCode } = await consumer().join();
      return errorCode === ErrorCode.NONE || errorCode === ErrorCode.MEMBER_ID_REQUIRED;
    });
  });

  test('is set to another offset by a tool that had it in memory before', async () => {
    await commit(1);
    const member = await join();
    await member.session.leave();
    expect(await coordinator.describe(groupId)).toMatchObject({ groupState: 'Empty' });
    expect((await commit(2)).errorCode).toBe(ErrorCode.NONE);
    expect(await committed()).toBe(2);
  });
});

test('the housekeeping removes members that nobody else is left to miss', async () => {
  const silent = await join(300);
  const state = new GroupKeys(link.keyPrefix).state(groupId);
  const fields = await link.read.hgetall(state);
  await silent.session.leave();
  await link.write.hset(state, fields);
  const housekeeping = new GroupHousekeeping({ redis: link, random: systemRandom, limits });
  await eventually(async () => {
    await housekeeping.sweep(new AbortController().signal);
    const head = await link.read.hget(state, 'head');
    return head !== null && head.startsWith('{"state":"empty"');
  });
});
