import { systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { EpochTable, FakeCluster } from '../../test/fake-cluster';
import { RecordedLog } from '../../test/recorded-log';
import { TestConsumer, type ConsumerOptions } from '../../test/test-consumer';
import { GroupKeys } from '../store/keys';
import { GroupCoordinator } from './coordinator';

let redis: TestRedis;
let link: RedisLink;
let table: EpochTable;
let clusters: FakeCluster[];
let coordinators: GroupCoordinator[];
let log: RecordedLog;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  log = new RecordedLog();
  table = new EpochTable();
  clusters = [0, 1].map((id) => new FakeCluster(table, id));
  coordinators = clusters.map((cluster) => {
    const limits = {
      initialRebalanceDelayMs: 20,
      sessionTimeoutMsMin: 50,
      reloadDelayMs: 50,
      sessionLookMs: 100,
    };
    const deps = { redis: link, clock: systemClock, random: systemRandom, log, limits, cluster };
    return new GroupCoordinator(deps);
  });
  for (const coordinator of coordinators) coordinator.start();
});
afterEach(async () => {
  await Promise.all(coordinators.map((coordinator) => coordinator.stop()));
  await link.close();
});

/** Gives the group to a coordinator; all hear of it. */
function move(owner: number, groupId = 'g'): void {
  table.move(groupId, owner);
  for (const cluster of clusters) cluster.learn();
}

/** A consumer that always finds the right coordinator. */
function consumer(name: string, options: Partial<ConsumerOptions> = {}): TestConsumer {
  const { groupId = 'g' } = options;
  const coordinator = () => coordinators[table.seatOf(groupId).owner]!;
  return new TestConsumer({ coordinator, groupId, name, ...options });
}

async function entered(...names: string[]): Promise<TestConsumer[]> {
  const members = names.map((name) => consumer(name));
  await Promise.all(members.map((member) => member.enter()));
  return members;
}

/** Waits until the coordinator has something parked. */
function parked(at: number, count: number): Promise<unknown> {
  return eventually(async () => {
    const { members } = await coordinators[at]!.describe('g');
    return members.length >= count;
  });
}

const { NONE, NOT_COORDINATOR, UNKNOWN_MEMBER_ID } = ErrorCode;

function claimOf({ memberId, generationId }: TestConsumer) {
  return { groupId: 'g', memberId, generationId, groupInstanceId: null };
}

function syncAt(at: number, member: TestConsumer, shares: [TestConsumer, number][] = []) {
  const assignments = shares.map(([{ memberId }, share]) => {
    return { memberId, assignment: Buffer.from([share]) };
  });
  const names = { protocolType: null, protocolName: null };
  return coordinators[at]!.sync({ ...claimOf(member), ...names, assignments });
}

/** Two members that have joined a generation in which nobody has synced yet. */
async function joinedTogether(): Promise<TestConsumer[]> {
  const members = [consumer('a'), consumer('b')];
  const joined = await Promise.all(
    members.map(async (member) => member.join((await member.join()).memberId)),
  );
  joined.forEach(({ memberId, generationId }, i) => {
    Object.assign(members[i]!, { memberId, generationId });
  });
  return joined[0]!.leader === joined[0]!.memberId ? members : members.toReversed();
}

function byId(one: { memberId: string }, two: { memberId: string }): number {
  return one.memberId < two.memberId ? -1 : 1;
}

describe('a stable group', () => {
  test('goes on elsewhere with the same members, in the same generation', async () => {
    const members = await entered('a', 'b');
    const before = await coordinators[0]!.describe('g');
    expect(await members[0]!.commit(7)).toBe(NONE);
    move(1);
    const stale = await coordinators[0]!.heartbeat(claimOf(members[0]!));
    expect(stale.errorCode).toBe(NOT_COORDINATOR);
    for (const member of members) expect((await member.heartbeat()).errorCode).toBe(NONE);
    const { members: after, groupState } = await coordinators[1]!.describe('g');
    expect(groupState).toBe('Stable');
    expect(after.sort(byId)).toEqual(before.members.sort(byId));
    expect(await members[1]!.commit(8)).toBe(NONE);
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  test('is read anew by a coordinator that had it before, and gave it away', async () => {
    const [first] = await entered('a');
    move(1);
    const second = consumer('b').start();
    await eventually(async () => (await first!.heartbeat()).errorCode !== NONE);
    await first!.enter();
    await eventually(() => second.assigned?.length === 3);
    move(0);
    expect((await first!.heartbeat()).errorCode).toBe(NONE);
    const { members } = await coordinators[0]!.describe('g');
    expect(members).toHaveLength(2);
    await second.close();
  });

  test('loses the members that nobody hears of at its new coordinator', async () => {
    const timeouts = { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 500 };
    const dead = consumer('a', timeouts);
    await dead.enter();
    move(1);
    const { members } = await coordinators[1]!.describe('g');
    expect(members).toHaveLength(1);
    await eventually(async () => (await coordinators[1]!.describe('g')).members.length === 0);
  });

  test('is not changed by the sessions that ran where it was before', async () => {
    const sessionTimeoutMs = 1_500;
    const member = consumer('a', { sessionTimeoutMs, rebalanceTimeoutMs: 500 });
    await member.enter();
    move(1);
    const untilMs = systemClock.monotonicMs() + 2 * sessionTimeoutMs;
    await eventually(async () => {
      expect((await member.heartbeat()).errorCode).toBe(NONE);
      return systemClock.monotonicMs() > untilMs;
    });
    expect(member.generationId).toBe(1);
  });
});

describe('a group in the middle of a rebalance', () => {
  test('parked joins are told to ask elsewhere, and the rebalance ends there', async () => {
    const [first] = await entered('a');
    const late = consumer('b');
    const waiting = late.join((await late.join()).memberId);
    await parked(0, 2);
    move(1);
    expect((await waiting).errorCode).toBe(NOT_COORDINATOR);
    late.memberId = (await waiting).memberId;
    expect((await first!.heartbeat()).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await Promise.all([first!.enter(), late.enter()]);
    expect([first!.generationId, late.generationId]).toEqual([2, 2]);
    expect(first!.assigned!.length + late.assigned!.length).toBe(6);
  });

  test('who does not come along is removed by its session, and the others go on', async () => {
    const short = { sessionTimeoutMs: 2_000, rebalanceTimeoutMs: 60_000 };
    const [gone, stays] = [consumer('a', short), consumer('b', short)];
    await gone.enter();
    const waiting = stays.join((await stays.join()).memberId);
    await parked(0, 2);
    move(1);
    stays.memberId = (await waiting).memberId;
    await stays.enter();
    expect([stays.generationId, stays.assigned?.length]).toEqual([2, 6]);
  });

  test('parked syncs are told so, and all sync elsewhere in the same generation', async () => {
    const [leader, follower] = await joinedTogether();
    const waiting = syncAt(0, follower!);
    await eventually(async () => {
      return (await coordinators[0]!.describe('g')).groupState === 'CompletingRebalance';
    });
    move(1);
    expect((await waiting).errorCode).toBe(NOT_COORDINATOR);
    const again = syncAt(1, follower!);
    const shares: [TestConsumer, number][] = [
      [leader!, 1],
      [follower!, 2],
    ];
    expect((await syncAt(1, leader!, shares)).assignment).toEqual(Buffer.from([1]));
    expect((await again).assignment).toEqual(Buffer.from([2]));
    expect((await leader!.heartbeat()).errorCode).toBe(NONE);
  });

  test('a join that was stored and not answered any more is answered elsewhere', async () => {
    const [leader, follower] = await joinedTogether();
    move(1);
    const [one, two] = await Promise.all([leader!.join(), follower!.join()]);
    expect([one.generationId, two.generationId]).toEqual([1, 1]);
    expect([one.members.length, two.members.length]).toEqual([2, 0]);
  });

  test('an id that was handed out is known elsewhere', async () => {
    const member = consumer('a');
    const { memberId } = await member.join();
    move(1);
    expect((await member.join(memberId)).errorCode).toBe(NONE);
  });
});

describe('a coordinator that is not sure of its session', () => {
  test.each(['and is told so', 'and finds out'])('%s answers nothing from memory', async (how) => {
    const member = consumer('a', { sessionTimeoutMs: 1_000 });
    await member.enter();
    clusters[0]!.setSure(false, how === 'and is told so');
    expect((await member.heartbeat()).errorCode).toBe(NOT_COORDINATOR);
    expect(await member.commit(1)).toBe(NOT_COORDINATOR);
    expect((await coordinators[0]!.list()).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    // For longer than the session, in which nobody was heard.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    clusters[0]!.setSure(true, how === 'and is told so');
    expect((await member.heartbeat()).errorCode).toBe(NONE);
    expect(member.generationId).toBe(1);
  });

  test.each(['at once', 'soon'])('what is parked there is told %s', async (when) => {
    await entered('a');
    const late = consumer('b');
    const waiting = late.join((await late.join()).memberId);
    await parked(0, 2);
    clusters[0]!.setSure(false, when === 'at once');
    expect((await waiting).errorCode).toBe(NOT_COORDINATOR);
  });
});

describe('epochs', () => {
  test('who does not know yet that another has the group gets nothing done', async () => {
    const [member] = await entered('a');
    table.move('g', 1);
    clusters[1]!.learn();
    expect((await member!.heartbeat()).errorCode).toBe(NONE);
    expect(await member!.commit(5)).toBe(NONE);

    const behind = new TestConsumer({
      coordinator: () => coordinators[0]!,
      groupId: 'g',
      name: 'a',
    });
    Object.assign(behind, { memberId: member!.memberId, generationId: 1 });
    expect(await behind.commit(4)).toBe(NOT_COORDINATOR);
    expect(await behind.commit(4)).toBe(NOT_COORDINATOR);
    expect((await behind.join()).errorCode).toBe(NOT_COORDINATOR);
    expect(table.seatOf('g')).toEqual({ owner: 1, epoch: 1 });
    const { offsets } = await coordinators[1]!.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets.map(({ offset }) => offset)).toEqual([5]);
    expect((await member!.heartbeat()).errorCode).toBe(NONE);
  });

  test('a registry that has lost its last writes is told of the epoch of the group', async () => {
    table.set('g', { owner: 0, epoch: 7 });
    clusters[0]!.learn();
    const [member] = await entered('a');
    table.set('g', { owner: 0, epoch: 3 });
    clusters[0]!.learn();
    expect((await member!.heartbeat()).errorCode).toBe(NONE);
    expect(table.seatOf('g')).toEqual({ owner: 0, epoch: 8 });
    expect(await member!.commit(1)).toBe(NONE);
    const fence = await link.write.hget(new GroupKeys(link.keyPrefix).state('g'), 'fence');
    expect(fence).toMatch(/^8\//);
  });
});

describe('requests about groups of another', () => {
  test('are answered that this is not their coordinator', async () => {
    await entered('a');
    const wrong = coordinators[1]!;
    expect((await wrong.describe('g')).errorCode).toBe(NOT_COORDINATOR);
    expect(await wrong.deleteGroup('g')).toBe(NOT_COORDINATOR);
    expect((await wrong.fetchOffsets({ groupId: 'g', partitions: null })).errorCode).toBe(
      NOT_COORDINATOR,
    );
    const deletion = await wrong.deleteOffsets({ groupId: 'g', partitions: [] });
    expect(deletion.errorCode).toBe(NOT_COORDINATOR);
    const leaver = { memberId: 'x', groupInstanceId: null };
    const left = await wrong.leave({ groupId: 'g', members: [leaver] });
    expect(left.errorCode).toBe(NOT_COORDINATOR);
  });

  test('every group is in the list of one coordinator', async () => {
    const groupIds = ['g', 'h', 'i'];
    for (const groupId of groupIds) {
      move(groupId === 'h' ? 1 : 0, groupId);
      await consumer('a', { groupId }).enter();
    }
    const listed = async (at: number) => {
      const { groups } = await coordinators[at]!.list();
      return groups.map(({ groupId }) => groupId).filter((id) => groupIds.includes(id));
    };
    expect((await listed(0)).sort()).toEqual(['g', 'i']);
    expect(await listed(1)).toEqual(['h']);
  });

  test('a round of the housekeeping wakes a group at its own coordinator only', async () => {
    const timeouts = { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 300 };
    await consumer('a', timeouts).enter();
    move(1);
    const findings = JSON.stringify({ live: ['g'], gone: [] });
    const channel = `${link.keyPrefix}{registry}:groups-found${link.db === 0 ? '' : `:${link.db}`}`;
    await eventually(async () => {
      await link.write.publish(channel, findings);
      const head = await link.write.hget(new GroupKeys(link.keyPrefix).state('g'), 'head');
      return head!.includes('"state":"empty"');
    });
    const fence = await link.write.hget(new GroupKeys(link.keyPrefix).state('g'), 'fence');
    expect(fence).toMatch(/^1\//);
    const gone = await coordinators[1]!.heartbeat({
      groupId: 'g',
      memberId: 'nobody',
      generationId: 1,
      groupInstanceId: null,
    });
    expect(gone.errorCode).toBe(UNKNOWN_MEMBER_ID);
  });
});
