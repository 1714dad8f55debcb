import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { TestConsumer, type ConsumerOptions } from '../../test/test-consumer';
import type { OffsetToCommit } from '../api';
import type { GroupLimits } from '../limits';
import { GroupKeys } from '../store/keys';
import { GroupHousekeeping } from '../housekeeping/group-housekeeping';
import { GroupCoordinator } from './coordinator';
import { loneCoordinator } from './group-cluster';

let redis: TestRedis;
let link: RedisLink;
let coordinators: GroupCoordinator[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
});
afterEach(async () => {
  await Promise.all(coordinators.map((coordinator) => coordinator.stop()));
  coordinators = [];
  await link.close();
});

async function startCoordinator(
  limits: Partial<GroupLimits> = {},
  epoch = 0,
): Promise<GroupCoordinator> {
  const coordinator = new GroupCoordinator({
    redis: link,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    limits: { initialRebalanceDelayMs: 20, sessionTimeoutMsMin: 50, ...limits },
    cluster: { ...loneCoordinator, coordinatorEpochOf: () => epoch },
  });
  coordinators.push(coordinator);
  coordinator.start();
  return coordinator;
}

/** One round of the housekeeping, as any process may do it. */
function sweep(limits: Partial<GroupLimits> = {}) {
  const housekeeping = new GroupHousekeeping({ redis: link, random: systemRandom, limits });
  return housekeeping.sweep(new AbortController().signal);
}

/** Rounds of the housekeeping until something is so. */
function sweptUntil(condition: () => Promise<boolean>, limits: Partial<GroupLimits> = {}) {
  return until(async () => {
    await sweep(limits);
    return condition();
  });
}

function consumer(
  coordinator: GroupCoordinator,
  name: string,
  options: Partial<ConsumerOptions> = {},
): TestConsumer {
  return new TestConsumer({ coordinator: () => coordinator, groupId: 'g', name, ...options });
}

function offset(partition: number, value: number, metadata: string | null = null): OffsetToCommit {
  return { topicId: 'T', topic: 'orders', partition, offset: value, leaderEpoch: 3, metadata };
}

/** A commit by a consumer that is in no group. */
function commitAlone(coordinator: GroupCoordinator, groupId: string, offsets: OffsetToCommit[]) {
  const claim = { groupId, memberId: '', generationId: -1, groupInstanceId: null };
  return coordinator.commitOffsets({ ...claim, offsets });
}

async function until(isSo: () => boolean | Promise<boolean>, timeoutMs = 45_000): Promise<void> {
  const endMs = systemClock.monotonicMs() + timeoutMs;
  while (!(await isSo())) {
    if (systemClock.monotonicMs() > endMs) throw new Error('it did not become so in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether the members have one generation, in which each partition has one owner. */
function isShared(members: TestConsumer[]): boolean {
  const partitions = members.flatMap(({ assigned }) => assigned ?? []).sort();
  const [first] = members;
  return (
    partitions.join() === '0,1,2,3,4,5' &&
    members.every(({ generationId }) => generationId === first!.generationId)
  );
}

function byId(left: { memberId: string }, right: { memberId: string }): number {
  return left.memberId < right.memberId ? -1 : 1;
}

function keys(): GroupKeys {
  return new GroupKeys(link.keyPrefix);
}

describe('membership', () => {
  test('members share the partitions, each has one owner', async () => {
    const coordinator = await startCoordinator();
    const members = ['a', 'b', 'c'].map((name) => consumer(coordinator, name));
    await Promise.all(members.map((member) => member.enter()));
    expect(members.flatMap(({ assigned }) => assigned).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(new Set(members.map(({ generationId }) => generationId))).toEqual(new Set([1]));
    expect(members[0]!.memberId).toMatch(/^a-[0-9a-f-]{36}$/);
  });

  test('chained rebalances of three members in each of several groups lose nobody', async () => {
    const coordinator = await startCoordinator();
    const groups = ['g1', 'g2', 'g3', 'g4'].map((groupId) =>
      ['a', 'b', 'c'].map((name) => consumer(coordinator, name, { groupId })),
    );
    for (const index of [0, 1, 2]) {
      for (const members of groups) members[index]!.start();
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await until(() => groups.every(isShared));
    for (const members of groups) await members[0]!.close();
    await until(() => groups.every((members) => isShared(members.slice(1))));
    for (const [, second] of groups) await second!.close();
    await until(() => groups.every((members) => isShared(members.slice(2))));
    for (const members of groups) await members[2]!.die();
    const errors = groups.flat().flatMap((member) => member.errors);
    expect(new Set(errors)).toEqual(new Set([ErrorCode.REBALANCE_IN_PROGRESS]));
  });

  test('a member that dies is removed, and the others take its partitions', async () => {
    const coordinator = await startCoordinator();
    const timeouts = { sessionTimeoutMs: 300, rebalanceTimeoutMs: 1_000 };
    const members = ['a', 'b'].map((name) => consumer(coordinator, name, timeouts).start());
    await until(() => members.every(({ assigned }) => assigned?.length === 3));
    await members[0]!.die();
    await until(() => members[1]!.assigned?.length === 6);
    await members[1]!.die();
  });

  test('a rebalance timeout of 0 leaves no time to sync; -1 is the session timeout', async () => {
    const coordinator = await startCoordinator();
    const timeouts = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 0 };
    const hasty = consumer(coordinator, 'a', { groupId: 'hasty', ...timeouts });
    const told = await hasty.join((await hasty.join()).memberId);
    expect(told.errorCode).toBe(ErrorCode.NONE);
    await until(async () => (await coordinator.describe('hasty')).groupState === 'Empty');
    const { memberId, generationId } = told;
    const claim = { groupId: 'hasty', memberId, generationId, groupInstanceId: null };
    const sync = { ...claim, protocolType: null, protocolName: null, assignments: [] };
    expect((await coordinator.sync(sync)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);

    const patient = consumer(coordinator, 'b', { rebalanceTimeoutMs: -1 });
    await patient.enter();
    expect(patient.assigned).toHaveLength(6);
  });

  test('an empty group id is refused in every request', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a', { groupId: '' });
    const code = ErrorCode.INVALID_GROUP_ID;
    expect((await member.join()).errorCode).toBe(code);
    expect((await member.heartbeat()).errorCode).toBe(code);
    expect(await member.commit(1)).toBe(code);
    expect((await coordinator.describe('')).errorCode).toBe(code);
    expect((await coordinator.leave({ groupId: '', members: [] })).errorCode).toBe(code);
    expect(await coordinator.deleteGroup('')).toBe(code);
    expect((await coordinator.fetchOffsets({ groupId: '', partitions: null })).errorCode).toBe(
      code,
    );
  });

  test("another gateway's groups are answered that this is not their coordinator", async () => {
    const coordinator = new GroupCoordinator({
      redis: link,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      cluster: {
        ...loneCoordinator,
        coordinatorEpochOf: (groupId) => (groupId === 'g' ? null : 1),
      },
    });
    coordinators.push(coordinator);
    const { errorCode } = await consumer(coordinator, 'a').join();
    expect(errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });
});

describe('a restarted gateway', () => {
  test('goes on with the same members, generation, assignments and offsets', async () => {
    const before = await startCoordinator();
    const members = ['a', 'b'].map((name) => consumer(before, name));
    await Promise.all(members.map((member) => member.enter()));
    expect(await members[0]!.commit(42, 1, 'note')).toBe(ErrorCode.NONE);
    const described = await before.describe('g');
    await before.stop();

    const after = await startCoordinator();
    const again = await after.describe('g');
    expect(again.members.sort(byId)).toEqual(described.members.sort(byId));
    expect(again).toMatchObject({ groupState: 'Stable', protocolData: 'range' });
    for (const { memberId, generationId, assigned } of members) {
      const claim = { groupId: 'g', memberId, generationId, groupInstanceId: null };
      expect(await after.heartbeat(claim)).toEqual({ errorCode: ErrorCode.NONE });
      const sync = { ...claim, protocolType: null, protocolName: null, assignments: [] };
      const { assignment } = await after.sync(sync);
      expect([...assignment]).toEqual(assigned);
    }
    const { offsets } = await after.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets).toMatchObject([
      { topicId: 'T', partition: 1, offset: 42, leaderEpoch: 0, metadata: 'note' },
    ]);
  });

  test('removes the members that died with it, without being asked for the group', async () => {
    const before = await startCoordinator();
    await consumer(before, 'a', { sessionTimeoutMs: 200 }).enter();
    await before.stop();
    const after = await startCoordinator();
    await sweptUntil(async () => {
      const [group] = (await after.list()).groups;
      return group === undefined || group.groupState === 'Empty';
    });
  });

  test('ends a rebalance that was under way with the members that join again', async () => {
    let current = await startCoordinator();
    const timeouts = { sessionTimeoutMs: 2_000, rebalanceTimeoutMs: 2_000, groupId: 'g' };
    const options = { coordinator: () => current, ...timeouts };
    const alive = new TestConsumer({ ...options, name: 'alive' });
    const dead = new TestConsumer({ ...options, name: 'dead' });
    await Promise.all([alive.enter(), dead.enter()]);
    const late = new TestConsumer({ ...options, name: 'late' });
    const parked = late.enter();
    await until(async () => (await current.describe('g')).groupState === 'PreparingRebalance');
    await current.stop();
    await parked;
    expect(late.errors).toEqual([ErrorCode.NOT_COORDINATOR]);
    const { memberId, generationId } = alive;
    current = await startCoordinator();
    alive.start();
    late.start();
    await until(() => alive.assigned?.length === 3 && late.assigned?.length === 3);
    expect(alive.memberId).toBe(memberId);
    expect(alive.generationId).toBeGreaterThan(generationId);
    await Promise.all([alive.die(), late.die()]);
  });

  test('still knows an id that was handed out', async () => {
    const before = await startCoordinator();
    const member = consumer(before, 'a');
    const { errorCode, memberId } = await member.join();
    expect(errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    await before.stop();
    const after = await startCoordinator();
    const joined = await consumer(after, 'a').join(memberId);
    expect(joined).toMatchObject({ errorCode: ErrorCode.NONE, memberId, generationId: 1 });
  });
});

describe('two coordinators of one group', () => {
  test('the one that has not seen the last change is refused and reads again', async () => {
    const [first, second] = [await startCoordinator(), await startCoordinator()];
    const member = consumer(first, 'a');
    await member.enter();
    const { memberId, generationId } = member;
    const claim = { groupId: 'g', memberId, generationId, groupInstanceId: null };
    expect((await second.describe('g')).members).toHaveLength(1);
    // The second one changes the group; the first does not know.
    await consumer(second, 'b').join();
    const stale = await first.commitOffsets({ ...claim, offsets: [offset(0, 7)] });
    expect(stale.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(stale.partitions[0]!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    const nothing = await first.fetchOffsets({ groupId: 'g', partitions: null });
    expect(nothing.offsets).toEqual([]);
    const fresh = await first.commitOffsets({ ...claim, offsets: [offset(0, 7)] });
    expect(fresh.errorCode).toBe(ErrorCode.NONE);
  });

  test('a change by the stale one is refused, and what it has parked is answered', async () => {
    const [first, second] = [await startCoordinator(), await startCoordinator()];
    const member = consumer(first, 'a');
    await member.enter();
    const other = consumer(first, 'b');
    const { memberId } = await other.join();
    const parked = other.join(memberId);
    await until(async () => (await first.describe('g')).groupState === 'PreparingRebalance');
    await consumer(second, 'c').join();
    const refused = await consumer(first, 'd').join();
    expect(refused.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await parked).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await first.describe('g')).members).toHaveLength(2);
  });

  test('one of a later epoch keeps the group, however often the other asks', async () => {
    const [older, newer] = [await startCoordinator({}, 4), await startCoordinator({}, 5)];
    const member = consumer(older, 'a');
    await member.enter();
    const { memberId, generationId } = member;
    const claim = { groupId: 'g', memberId, generationId, groupInstanceId: null };
    expect((await newer.heartbeat(claim)).errorCode).toBe(ErrorCode.NONE);
    const commit = { ...claim, offsets: [offset(0, 7)] };
    for (let time = 0; time < 3; time++) {
      const late = await older.commitOffsets(commit);
      expect(late.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
      expect((await consumer(older, 'b').join()).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
      expect((await newer.commitOffsets(commit)).errorCode).toBe(ErrorCode.NONE);
    }
    expect((await newer.describe('g')).members).toHaveLength(1);
  });

  test('a group made again does not take a commit meant for the old one', async () => {
    const [first, second] = [await startCoordinator(), await startCoordinator()];
    await commitAlone(first, 'g', [offset(0, 1)]);
    await second.describe('g');
    expect(await second.deleteGroup('g')).toBe(ErrorCode.NONE);
    await commitAlone(second, 'g', [offset(0, 2)]);
    const { errorCode } = await commitAlone(first, 'g', [offset(0, 3)]);
    expect(errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });
});

describe('offsets', () => {
  test('what was committed comes back, what was not is -1 without an error', async () => {
    const coordinator = await startCoordinator();
    const offsets = [offset(0, 5, 'with some spaces'), offset(1, 6), offset(2, 0, '')];
    const result = await commitAlone(coordinator, 'g', offsets);
    expect(result.errorCode).toBe(ErrorCode.NONE);
    const partitions = [2, 1, 0, 9].map((partition) => ({ topicId: 'T', partition }));
    expect(await coordinator.fetchOffsets({ groupId: 'g', partitions })).toMatchObject({
      errorCode: ErrorCode.NONE,
      offsets: [
        { topicId: 'T', partition: 2, offset: 0, leaderEpoch: 3, metadata: '' },
        { topicId: 'T', partition: 1, offset: 6, leaderEpoch: 3, metadata: '' },
        { topicId: 'T', partition: 0, offset: 5, leaderEpoch: 3, metadata: 'with some spaces' },
        { topicId: 'T', partition: 9, offset: -1, leaderEpoch: -1, metadata: '' },
      ],
    });
    const unknown = await coordinator.fetchOffsets({ groupId: 'other', partitions: null });
    expect(unknown).toEqual({ errorCode: ErrorCode.NONE, offsets: [] });
  });

  test('thousands of partitions in one commit and one fetch', async () => {
    const coordinator = await startCoordinator();
    const count = 2_500;
    const offsets = Array.from({ length: count }, (_, partition) =>
      offset(partition, partition * 2),
    );
    expect((await commitAlone(coordinator, 'g', offsets)).errorCode).toBe(ErrorCode.NONE);
    const all = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(all.offsets).toHaveLength(count);
    const partitions = offsets.map(({ topicId, partition }) => ({ topicId, partition }));
    const some = await coordinator.fetchOffsets({ groupId: 'g', partitions });
    expect(some.offsets.every((found) => found.offset === found.partition * 2)).toBe(true);
  });

  test('a commit in a generation of a group that does not exist is refused', async () => {
    const coordinator = await startCoordinator();
    const claim = { groupId: 'g', memberId: 'm', generationId: 4, groupInstanceId: null };
    const { errorCode } = await coordinator.commitOffsets({ ...claim, offsets: [offset(0, 1)] });
    expect(errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect((await coordinator.list()).groups).toEqual([]);
  });

  test('a commit is refused once the next generation has begun', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a').start();
    await until(() => member.assigned !== null);
    const { memberId, generationId } = member;
    const other = consumer(coordinator, 'b').start();
    await until(() => other.assigned !== null && member.assigned !== null);
    const claim = { groupId: 'g', memberId, generationId, groupInstanceId: null };
    const { errorCode } = await coordinator.commitOffsets({ ...claim, offsets: [offset(0, 9)] });
    expect(errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
    await Promise.all([member.die(), other.die()]);
  });

  test('many commits sent at once are written in their order', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a');
    await member.enter();
    const sent = Array.from({ length: 200 }, (_, value) => member.commit(value));
    expect(new Set(await Promise.all(sent))).toEqual(new Set([ErrorCode.NONE]));
    const { offsets } = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets[0]!.offset).toBe(199);
  });
});

describe('administration', () => {
  test('what may be deleted in each state', async () => {
    const coordinator = await startCoordinator();
    const partitions = [offset(0, 1), { ...offset(0, 1), topicId: 'O', topic: 'other' }];
    /** The code of DeleteGroups, and those of OffsetDelete: of the whole, or of both partitions. */
    const deleting = async (groupId: string) => {
      const deleted = await coordinator.deleteOffsets({ groupId, partitions });
      const codes = deleted.partitions.map(({ errorCode }) => errorCode);
      return [await coordinator.deleteGroup(groupId), deleted.errorCode, ...codes];
    };
    const inState = (state: string) => async () =>
      (await coordinator.describe('g')).groupState === state;
    const { NON_EMPTY_GROUP, GROUP_SUBSCRIBED_TO_TOPIC, GROUP_ID_NOT_FOUND, NONE } = ErrorCode;
    const inUse = [NON_EMPTY_GROUP, NONE, GROUP_SUBSCRIBED_TO_TOPIC, NONE];

    expect(await deleting('g')).toEqual([GROUP_ID_NOT_FOUND, GROUP_ID_NOT_FOUND]);
    const member = consumer(coordinator, 'a');
    const asked = member.join((await member.join()).memberId);
    await until(inState('PreparingRebalance'));
    expect(await deleting('g')).toEqual(inUse);
    member.memberId = (await asked).memberId;
    await until(inState('CompletingRebalance'));
    expect(await deleting('g')).toEqual(inUse);
    await member.enter();
    await until(inState('Stable'));
    expect(await deleting('g')).toEqual(inUse);
    await member.close();
    await until(inState('Empty'));
    expect(await deleting('g')).toEqual([NONE, NONE, NONE, NONE]);
    expect(await deleting('g')).toEqual([GROUP_ID_NOT_FOUND, GROUP_ID_NOT_FOUND]);
  });

  test('offsets of members that are no consumers are not deleted', async () => {
    const coordinator = await startCoordinator();
    const worker = consumer(coordinator, 'a', { protocolType: 'connect' });
    await worker.enter();
    const deleted = await coordinator.deleteOffsets({ groupId: 'g', partitions: [offset(0, 1)] });
    expect(deleted).toEqual({ errorCode: ErrorCode.NON_EMPTY_GROUP, partitions: [] });
  });

  test('groups are described and listed by their state', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a', { instanceId: 'i' });
    await member.enter();
    await commitAlone(coordinator, 'alone', [offset(0, 1)]);
    expect(await coordinator.describe('g')).toMatchObject({
      errorCode: ErrorCode.NONE,
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [
        {
          memberId: member.memberId,
          groupInstanceId: 'i',
          clientId: 'a',
          clientHost: '/127.0.0.1',
        },
      ],
    });
    expect(await coordinator.describe('none')).toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      groupState: 'Dead',
    });
    const names = async (request: object) =>
      (await coordinator.list(request)).groups.map(({ groupId }) => groupId).sort();
    expect(await names({})).toEqual(['alone', 'g']);
    expect(await names({ states: ['stable'] })).toEqual(['g']);
    expect(await names({ states: ['Empty', 'Dead'] })).toEqual(['alone']);
    expect(await names({ types: ['Consumer'] })).toEqual([]);
    expect(await names({ types: ['classic'] })).toEqual(['alone', 'g']);
  });

  test('a group is deleted with its offsets when it has no members', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a');
    await member.enter();
    await member.commit(3);
    expect(await coordinator.deleteGroup('g')).toBe(ErrorCode.NON_EMPTY_GROUP);
    await member.close();
    expect(await coordinator.deleteGroup('g')).toBe(ErrorCode.NONE);
    expect(await coordinator.deleteGroup('g')).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    const { offsets } = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets).toEqual([]);
    expect((await coordinator.list()).groups).toEqual([]);
    await consumer(coordinator, 'b').enter();
    expect((await coordinator.describe('g')).groupState).toBe('Stable');
  });

  test('offsets are deleted, but not of topics that a member subscribes to (KIP-496)', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a');
    await member.enter();
    const other = { ...offset(0, 1), topic: 'other', topicId: 'O' };
    const { memberId, generationId } = member;
    const claim = { groupId: 'g', memberId, generationId, groupInstanceId: null };
    await coordinator.commitOffsets({ ...claim, offsets: [offset(0, 1), other] });
    const partitions = [offset(0, 1), other];
    const result = await coordinator.deleteOffsets({ groupId: 'g', partitions });
    expect(result.errorCode).toBe(ErrorCode.NONE);
    const codes = result.partitions.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE]);
    const found = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(found.offsets.map(({ topicId }) => topicId)).toEqual(['T']);
    await member.close();
    const later = await coordinator.deleteOffsets({ groupId: 'g', partitions });
    expect(later.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 0]);
    const none = await coordinator.deleteOffsets({ groupId: 'none', partitions });
    expect(none.errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });
});

const isGone = (coordinator: GroupCoordinator) => async () =>
  (await coordinator.list()).groups.length === 0;

describe('the sweep', () => {
  test('removes old offsets of a group without members, and then the group', async () => {
    const coordinator = await startCoordinator();
    const offsets = Array.from({ length: 600 }, (_, partition) => offset(partition, 1));
    await commitAlone(coordinator, 'old', offsets);
    expect(await sweep({ offsetsRetentionMs: 3_600_000 })).toMatchObject({ removedGroups: 0 });
    expect((await coordinator.list()).groups).toHaveLength(1);
    await sweptUntil(isGone(coordinator), { offsetsRetentionMs: 1, sweepStepCount: 2 });
    expect(await link.read.keys(`${link.keyPrefix}*`)).toEqual([]);
  });

  test('leaves a live group and its offsets alone, however old they are', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a').start();
    await until(() => member.assigned !== null);
    expect(await member.commit(5)).toBe(ErrorCode.NONE);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await sweep({ offsetsRetentionMs: 50 })).toMatchObject({ liveGroups: 1 });
    const { offsets } = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets).toHaveLength(1);
    await member.close();
    await sweptUntil(isGone(coordinator), { offsetsRetentionMs: 50 });
  });

  test('counts from when the group became empty, not from the commit', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a').start();
    await until(() => member.assigned !== null);
    await member.commit(5);
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    await member.close();
    await sweep({ offsetsRetentionMs: 3_000 });
    const { offsets } = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets).toHaveLength(1);
    await sweptUntil(isGone(coordinator), { offsetsRetentionMs: 3_000 });
  });

  test('removes an empty group that has no offsets, but not one with ids handed out', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a', { sessionTimeoutMs: 3_000 });
    await member.join();
    await sweep();
    expect((await coordinator.list()).groups).toHaveLength(1);
    await sweptUntil(isGone(coordinator));
    expect(await link.read.exists(keys().state('g'))).toBe(0);
  });

  test('a group that was removed can be used at once, by who had it in memory', async () => {
    const coordinator = await startCoordinator();
    await commitAlone(coordinator, 'g', [offset(0, 1)]);
    await sweptUntil(isGone(coordinator), { offsetsRetentionMs: 1 });
    await until(async () => {
      const { errorCode } = await commitAlone(coordinator, 'g', [offset(0, 2)]);
      return errorCode === ErrorCode.NONE;
    });
    const { offsets } = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets).toMatchObject([{ offset: 2 }]);
  });

  test('changes no fence: what the owner writes next is taken', async () => {
    const coordinator = await startCoordinator();
    const member = consumer(coordinator, 'a');
    await member.enter();
    const before = await link.read.hget(keys().state('g'), 'fence');
    for (let round = 0; round < 3; round++) await sweep();
    expect(await link.read.hget(keys().state('g'), 'fence')).toBe(before);
    expect(await member.commit(5)).toBe(ErrorCode.NONE);
    expect((await member.heartbeat()).errorCode).toBe(ErrorCode.NONE);
    await member.close();
  });

  test('begins nothing more once it is aborted', async () => {
    const coordinator = await startCoordinator();
    await commitAlone(coordinator, 'g', [offset(0, 1)]);
    const limits = { offsetsRetentionMs: 1 };
    const housekeeping = new GroupHousekeeping({ redis: link, random: systemRandom, limits });
    expect(await housekeeping.sweep(AbortSignal.abort())).toMatchObject({ groups: 0 });
    expect((await coordinator.list()).groups).toHaveLength(1);
  });

  test("removes a deleted topic's offsets from all groups", async () => {
    const coordinator = await startCoordinator();
    const other = { ...offset(0, 1), topicId: 'T2', topic: 'other' };
    for (const groupId of ['g1', 'g2'])
      await commitAlone(coordinator, groupId, [offset(0, 1), other]);
    await coordinator.removeTopicOffsets('T');
    expect(await sweep()).toMatchObject({ forgottenTopics: 1, groups: 2 });
    expect(await link.read.exists(keys().removedTopics)).toBe(0);
    for (const groupId of ['g1', 'g2']) {
      const { offsets } = await coordinator.fetchOffsets({ groupId, partitions: null });
      expect(offsets.map(({ topicId }) => topicId)).toEqual(['T2']);
    }
  });

  test('a damaged group does not keep the others from being swept', async () => {
    const ids = ['g1', 'g2', 'g3'];
    const before = await startCoordinator();
    for (const groupId of ids) await commitAlone(before, groupId, [offset(0, 1)]);
    await before.stop();
    await link.write.hset(keys().state('g2'), 'head', 'damaged');
    const after = await startCoordinator();
    const limits = { offsetsRetentionMs: 10 };
    await sweptUntil(async () => (await link.read.scard(keys().index)) === 1, limits);
    expect((await after.describe('g2')).errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });

  test('forgets a group in memory that nobody uses, and finds it again', async () => {
    const coordinator = await startCoordinator({ idleUnloadMs: 30 });
    await commitAlone(coordinator, 'g', [offset(0, 1)]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await link.write.hset(keys().state('g'), 'fence', 'somebody:9');
    expect((await commitAlone(coordinator, 'g', [offset(0, 2)])).errorCode).toBe(ErrorCode.NONE);
  });
});
