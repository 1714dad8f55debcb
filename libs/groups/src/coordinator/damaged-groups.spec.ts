import { systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { RecordedLog } from '../../test/recorded-log';
import { TestConsumer } from '../../test/test-consumer';
import { GroupHousekeeping } from '../housekeeping/group-housekeeping';
import type { GroupLimits } from '../limits';
import { GroupKeys } from '../store/keys';
import { GroupCoordinator } from './coordinator';

let redis: TestRedis;
let link: RedisLink;
let log: RecordedLog;
let coordinators: GroupCoordinator[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  log = new RecordedLog();
});
afterEach(async () => {
  await Promise.all(coordinators.map((coordinator) => coordinator.stop()));
  coordinators = [];
  await link.close();
});

function sweep() {
  const housekeeping = new GroupHousekeeping({ redis: link, random: systemRandom });
  return housekeeping.sweep(new AbortController().signal);
}

async function startCoordinator(limits: Partial<GroupLimits> = {}): Promise<GroupCoordinator> {
  const coordinator = new GroupCoordinator({
    redis: link,
    clock: systemClock,
    random: systemRandom,
    log,
    limits: { initialRebalanceDelayMs: 0, sessionTimeoutMsMin: 50, ...limits },
  });
  coordinators.push(coordinator);
  coordinator.start();
  return coordinator;
}

function consumer(coordinator: GroupCoordinator, name: string, groupId: string): TestConsumer {
  return new TestConsumer({ coordinator: () => coordinator, groupId, name });
}

const unavailable = ErrorCode.COORDINATOR_NOT_AVAILABLE;
const groupId = 'damaged';

/** The stored state of the group, as a person with redis-cli might change it. */
class StoredState {
  readonly key = new GroupKeys(link.keyPrefix).state(groupId);

  set(field: string, value: string): Promise<unknown> {
    return link.write.hset(this.key, field, value);
  }

  remove(field: string): Promise<unknown> {
    return link.write.hdel(this.key, field);
  }

  async replace(): Promise<void> {
    await link.write.set(this.key, 'something else');
  }

  async change(field: string, changes: object): Promise<void> {
    const stored = (await link.write.hget(this.key, field))!;
    await this.set(field, JSON.stringify({ ...(JSON.parse(stored) as object), ...changes }));
  }
}

type Damage = (state: StoredState, memberId: string) => Promise<unknown>;

const damages: [what: string, damage: Damage, said: string][] = [
  ['no head', (state) => state.remove('head'), 'head'],
  ['a head that is not JSON', (state) => state.set('head', 'damaged'), 'head'],
  ['a head that is no object', (state) => state.set('head', '[]'), 'head'],
  ['an unknown state', (state) => state.change('head', { state: 'asleep' }), 'asleep'],
  ['a state that is never stored', (state) => state.change('head', { state: 'dead' }), 'dead'],
  ['no generation', (state) => state.change('head', { generationId: null }), 'generation'],
  ['no protocol', (state) => state.change('head', { protocolName: null }), 'protocol'],
  ['members that are gone', removeMember, 'no members'],
  ['members in an empty group', (state) => state.change('head', { state: 'empty' }), 'members'],
  ['an assignment of nobody', (state) => state.set('share/nobody', 'x'), 'nobody'],
  ['a strange leader', (state) => state.change('head', { leaderId: 'nobody' }), 'nobody'],
  ['a member that is not JSON', (state, id) => state.set(`member/${id}`, '{'), 'member'],
  ['a member without protocols', (state, id) => changeMember(state, id, []), 'protocols'],
  ['a member of other protocols', (state, id) => changeMember(state, id, [['x', '']]), 'range'],
  ['a pending id without a time', (state) => state.set('pending/x', 'soon'), 'pending'],
  ['a state that is no hash', (state) => state.replace(), 'no hash'],
  ['a format that is no number', (state) => state.set('format', 'one'), 'format one'],
  ['a newer format', (state) => state.set('format', '99'), 'format 99'],
];

async function removeMember(state: StoredState, memberId: string): Promise<void> {
  await state.remove(`member/${memberId}`);
  await state.remove(`share/${memberId}`);
}

function changeMember(state: StoredState, memberId: string, protocols: unknown[]): Promise<void> {
  return state.change(`member/${memberId}`, { protocols });
}

/** A group with one member, and a healthy one beside it; then the gateway stops. */
async function store() {
  const before = await startCoordinator();
  const member = consumer(before, 'a', groupId);
  const healthy = consumer(before, 'b', 'healthy');
  await Promise.all([member.enter(), healthy.enter()]);
  expect(await member.commit(1)).toBe(ErrorCode.NONE);
  await before.stop();
  return { member, healthy };
}

describe.each(damages)('a group with %s', (_, damage, said) => {
  test('is quarantined, the others are served, and it can be healed', async () => {
    const { member, healthy } = await store();
    const state = new StoredState();
    const dump = await link.write.dumpBuffer(state.key);
    await damage(state, member.memberId);

    const after = await startCoordinator({ quarantineMs: 20 });
    const claim = { groupId, memberId: member.memberId, generationId: 1, groupInstanceId: null };
    const offsets = [{ topicId: 'T', topic: 't', partition: 0, offset: 5, leaderEpoch: 0 }];
    const commit = { ...claim, offsets: [{ ...offsets[0]!, metadata: null }] };
    const sync = { ...claim, protocolType: null, protocolName: null, assignments: [] };
    expect((await after.heartbeat(claim)).errorCode).toBe(unavailable);
    expect((await after.sync(sync)).errorCode).toBe(unavailable);
    expect((await consumer(after, 'c', groupId).join()).errorCode).toBe(unavailable);
    expect((await after.commitOffsets(commit)).errorCode).toBe(unavailable);
    expect((await after.leave({ groupId, members: [claim] })).errorCode).toBe(unavailable);
    const described = await after.describe(groupId);
    expect(described.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(described.errorMessage).toContain(said);

    const { errorCode, groups } = await after.list();
    expect(errorCode).toBe(ErrorCode.NONE);
    expect(groups.map((group) => group.groupId).sort()).toEqual([groupId, 'healthy']);
    const { memberId, generationId } = healthy;
    const other = { groupId: 'healthy', memberId, generationId, groupInstanceId: null };
    expect((await after.heartbeat(other)).errorCode).toBe(ErrorCode.NONE);

    // However often it is asked for, and swept, there is one line.
    for (let time = 0; time < 5; time++) {
      await sweep();
      await after.describe(groupId);
    }
    const told = log.about('error', groupId);
    expect(told).toHaveLength(1);
    expect(told[0]!.fields.error).toContain(said);

    await link.write.restore(state.key, 0, dump, 'REPLACE');
    await eventually(async () => (await after.heartbeat(claim)).errorCode === ErrorCode.NONE);
    expect(log.about('info', groupId)).toHaveLength(1);
    const found = await after.fetchOffsets({ groupId, partitions: null });
    expect(found.offsets.map(({ offset }) => offset)).toEqual([1]);
  });
});

const undeletable = ['a newer format', 'a format that is no number'];
const deletable = damages.filter(([what]) => !undeletable.includes(what));

test.each(deletable)('a group with %s can be deleted, and made again', async (_, damage) => {
  const { member } = await store();
  await damage(new StoredState(), member.memberId);
  const after = await startCoordinator();
  expect((await after.describe(groupId)).errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  expect(await after.deleteGroup(groupId)).toBe(ErrorCode.NONE);
  expect((await after.list()).groups.map((group) => group.groupId)).toEqual(['healthy']);
  const again = consumer(after, 'c', groupId);
  await again.enter();
  expect(again.errors).toEqual([]);
  const { offsets } = await after.fetchOffsets({ groupId, partitions: null });
  expect(offsets).toEqual([]);
});

test('a group whose offsets are no hash is quarantined, and the others are swept', async () => {
  const { member } = await store();
  await link.write.set(new GroupKeys(link.keyPrefix).offsets(groupId), 'something else');
  const after = await startCoordinator();
  expect((await member.heartbeat()).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  expect((await after.describe(groupId)).errorMessage).toContain('no hash');
  const { errorCode } = await after.fetchOffsets({ groupId, partitions: null });
  expect(errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  await after.removeTopicOffsets('T');
  expect(await sweep()).toMatchObject({ forgottenTopics: 1, unreadableGroups: 1, liveGroups: 1 });
  expect(await link.read.exists(new GroupKeys(link.keyPrefix).removedTopics)).toBe(0);
  expect(await after.deleteGroup(groupId)).toBe(ErrorCode.NONE);
});

test('a group of a newer format is not deleted by a gateway that cannot read it', async () => {
  await store();
  const state = new StoredState();
  await state.set('format', '3');
  const after = await startCoordinator();
  expect(await after.deleteGroup(groupId)).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  expect(await link.read.exists(state.key)).toBe(1);
  const told = log.about('error', groupId)[0]!.fields.error;
  expect(told).toContain(state.key);
  expect(told).toContain('format 3');
});
