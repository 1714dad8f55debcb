import { systemClock, systemRandom } from '@sluice/base';
import { RedisUnavailable, type RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { EpochTable, FakeCluster } from '../../test/fake-cluster';
import { FakeTopics } from '../../test/fake-topics';
import { RecordedLog } from '../../test/recorded-log';
import { TestConsumer, type ConsumerOptions } from '../../test/test-consumer';
import { TestMember } from '../../test/test-member';
import { ClassicStore } from '../classic/stored/classic-store';
import { GroupKeys } from '../store/keys';
import { GroupCoordinator } from './coordinator';

/** The coordinator of all groups, and a gateway that an operator asks. */
let own: GroupCoordinator;
let other: GroupCoordinator;
let redis: TestRedis;
let link: RedisLink;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  const table = new EpochTable();
  const started = [0, 1].map((id) => {
    const cluster = new FakeCluster(table, id);
    const limits = { initialRebalanceDelayMs: 20, sessionTimeoutMsMin: 50 };
    const log = new RecordedLog();
    const deps = { redis: link, clock: systemClock, random: systemRandom, log, limits, cluster };
    const coordinator = new GroupCoordinator(deps);
    coordinator.start();
    return coordinator;
  });
  own = started[0]!;
  other = started[1]!;
});
afterEach(async () => {
  await Promise.all([own.stop(), other.stop()]);
  await link.close();
});

const { NONE, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, UNKNOWN_MEMBER_ID } = ErrorCode;

function consumer(name: string, options: Partial<ConsumerOptions> = {}): TestConsumer {
  return new TestConsumer({ coordinator: () => own, groupId: 'g', name, ...options });
}

/** A reset of one partition at the gateway that does not coordinate the group. */
async function reset(offset: number, groupId = 'g'): Promise<number> {
  const place = { topicId: 'T', topic: 'orders', partition: 0, leaderEpoch: -1, metadata: null };
  const claim = { groupId, memberId: '', generationId: -1, groupInstanceId: null };
  const commit = { ...claim, offsets: [{ ...place, offset }] };
  const { errorCode, partitions } = await other.operated(groupId).commitOffsets(commit);
  expect(partitions.map((one) => one.errorCode)).toEqual([errorCode]);
  return errorCode;
}

async function offsetOf(groupId = 'g'): Promise<{ offset: number; lineage: number }> {
  const fetched = await other.operated(groupId).fetchOffsets({ groupId, partitions: null });
  expect(fetched.errorCode).toBe(NONE);
  const { offset, lineage } = fetched.offsets[0] ?? { offset: -1, lineage: -1 };
  return { offset, lineage };
}

const stateKey = (groupId = 'g') => new GroupKeys(link.keyPrefix).state(groupId);

function byId(one: { memberId: string }, two: { memberId: string }): number {
  return one.memberId < two.memberId ? -1 : 1;
}

describe('an operator at any gateway', () => {
  test('is told of a group with members what its coordinator tells', async () => {
    const members = ['a', 'b'].map((name) => consumer(name));
    await Promise.all(members.map((member) => member.enter()));
    const told = await own.describe('g');
    expect(told.groupState).toBe('Stable');
    const seen = await other.operated('g').describe('g');
    expect(seen.members.sort(byId)).toEqual(told.members.sort(byId));
    expect({ ...seen, members: [] }).toEqual({ ...told, members: [] });
    expect((await other.listAll()).groups.map(({ groupId }) => groupId)).toContain('g');
    expect(own.operated('g')).toBe(own);
    // Its coordinator has not noticed that anybody looked.
    expect((await members[0]!.heartbeat()).errorCode).toBe(NONE);
    expect(await members[0]!.commit(1)).toBe(NONE);
  });

  test('changes nothing of a group with members', async () => {
    const member = consumer('a');
    await member.enter();
    expect(await member.commit(5)).toBe(NONE);
    expect(await reset(1)).toBe(UNKNOWN_MEMBER_ID);
    expect(await other.operated('g').deleteGroup('g')).toBe(NON_EMPTY_GROUP);
    const place = { topicId: 'T', partition: 0 };
    const { partitions } = await other.operated('g').deleteOffsets({
      groupId: 'g',
      partitions: [
        { ...place, topic: 'orders' },
        { topicId: 'U', partition: 0, topic: 'unused' },
      ],
    });
    const codes = partitions.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, NONE]);
    expect((await offsetOf()).offset).toBe(5);
    expect(await member.commit(6)).toBe(NONE);
  });

  test('resets and deletes a group without members, and its coordinator goes on', async () => {
    const member = consumer('a');
    await member.enter();
    await member.commit(5);
    await member.close();
    const before = await offsetOf();
    expect(await reset(2)).toBe(NONE);
    const after = await offsetOf();
    expect(after.offset).toBe(2);
    expect(after.lineage).toBeGreaterThan(before.lineage);

    const again = consumer('b').start();
    await eventually(() => again.assigned?.length === 6);
    expect(again.generationId).toBeGreaterThan(1);
    expect(await again.commit(3)).toBe(NONE);
    await again.close();
    expect(await other.operated('g').deleteGroup('g')).toBe(NONE);
    expect(await other.operated('g').deleteGroup('g')).toBe(GROUP_ID_NOT_FOUND);
    expect((await other.operated('g').describe('g')).errorCode).toBe(GROUP_ID_NOT_FOUND);
    const next = consumer('c').start();
    await eventually(() => next.assigned?.length === 6);
    await next.close();
  });

  test('makes a group of offsets, which its coordinator serves', async () => {
    expect((await own.describe('new')).errorCode).toBe(GROUP_ID_NOT_FOUND);
    expect(await reset(9, 'new')).toBe(NONE);
    const member = consumer('a', { groupId: 'new' }).start();
    await eventually(() => member.assigned?.length === 6);
    await eventually(async () => (await member.commit(10)) === NONE);
    expect((await offsetOf('new')).offset).toBe(10);
    await member.close();
  });

  test('of two resets and a commit that race, the last to be answered is what stays', async () => {
    const alone = { groupId: 'g', memberId: '', generationId: -1, groupInstanceId: null };
    const place = { topicId: 'T', topic: 'orders', partition: 0, leaderEpoch: -1, metadata: null };
    for (let round = 0; round < 10; round++) {
      const answered: number[] = [];
      const note = (offset: number) => (code: number) => code === NONE && answered.push(offset);
      const commit = { ...alone, offsets: [{ ...place, offset: round * 3 }] };
      await Promise.all([
        reset(round * 3 + 1).then(note(round * 3 + 1)),
        reset(round * 3 + 2).then(note(round * 3 + 2)),
        own.commitOffsets(commit).then(({ errorCode }) => note(round * 3)(errorCode)),
      ]);
      expect(answered.length).toBeGreaterThan(0);
      expect(answered).toContain((await offsetOf()).offset);
    }
  });

  test('deletes what cannot be read, unless a newer version has written it', async () => {
    await link.write.hset(stateKey('bad'), { fence: '0/x/1', head: '{' });
    const seen = await other.operated('bad').describe('bad');
    expect([seen.errorCode, seen.groupState]).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR, 'Unknown']);
    expect(seen.errorMessage).toContain(stateKey('bad'));
    expect(await reset(1, 'bad')).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await other.operated('bad').deleteGroup('bad')).toBe(NONE);
    expect(await link.write.exists(stateKey('bad'))).toBe(0);

    await link.write.hset(stateKey('newer'), { fence: '0/x/1', head: '{', format: '99' });
    const deleted = await other.operated('newer').deleteGroup('newer');
    expect(deleted).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(await link.write.exists(stateKey('newer'))).toBe(1);
  });

  test('sees and changes groups with assignment by the server the same way', async () => {
    const topics = new FakeTopics();
    topics.create('orders', 2);
    const member = await new TestMember({ redis: link, topics }, { groupId: 'assigned' }).join();
    await eventually(() => member.holds === 'orders/0 orders/1');
    const seen = await other.operated('assigned').describe('assigned');
    expect([seen.groupState, seen.members.length]).toEqual(['Stable', 1]);
    expect(await reset(1, 'assigned')).toBe(UNKNOWN_MEMBER_ID);
    expect(await other.operated('assigned').deleteGroup('assigned')).toBe(NON_EMPTY_GROUP);
    await member.session.leave();
    expect(await reset(1, 'assigned')).toBe(NONE);
    expect((await offsetOf('assigned')).offset).toBe(1);
    expect(await other.operated('assigned').deleteGroup('assigned')).toBe(NONE);
  });
});

test('a group that cannot be read is not deleted while Redis is away, as is said', async () => {
  await reset(7, 'torn');
  await link.write.hset(new GroupKeys(link.keyPrefix).state('torn'), 'head', '{"state":');
  const away = new RedisUnavailable('disconnected', 'there is no connection');
  const discard = jest.spyOn(ClassicStore.prototype, 'discard').mockRejectedValueOnce(away);
  const { COORDINATOR_NOT_AVAILABLE } = ErrorCode;
  expect(await other.operated('torn').deleteGroup('torn')).toBe(COORDINATOR_NOT_AVAILABLE);
  discard.mockRestore();
  expect(await other.operated('torn').deleteGroup('torn')).toBe(NONE);
});
