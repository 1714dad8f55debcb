import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { ErrorCode } from '@sluice/wire';
import { FakeTopics } from '../../test/fake-topics';
import { TestMember } from '../../test/test-member';
import { GroupCoordinator } from '../coordinator/coordinator';
import type { GroupLimits } from '../limits';
import { GroupStates } from '../store/group-states';
import { GroupKeys } from '../store/keys';
import { onFindings, type GroupFindings } from './findings';
import { GroupHousekeeping, type GroupSweepReport } from './group-housekeeping';

const kinds = ['classic', 'assigned'] as const;
type Kind = (typeof kinds)[number];

/** Whatever is without members is old at once. */
const expireAll = { offsetsRetentionMs: 0 };
const dayMs = 86_400_000;
const keepAll = { offsetsRetentionMs: dayMs };

let redis: TestRedis;
let link: RedisLink;
let topics: FakeTopics;
let members: TestMember[];
let findings: GroupFindings[];

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  topics = new FakeTopics();
  topics.create('orders', 2);
  topics.create('bills', 2);
  members = [];
  findings = [];
  await onFindings(link, (found) => findings.push(found));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(members.map(({ session }) => session.leave()));
  await link.close();
});

const keysOf = (groupId: string) => new GroupKeys(link.keyPrefix).of(groupId);
const index = () => new GroupKeys(link.keyPrefix).index;
const removedTopics = () => new GroupKeys(link.keyPrefix).removedTopics;
const allKeys = () => link.read.keys(`${link.keyPrefix}*`);

function worker(limits: Partial<GroupLimits> = keepAll): GroupHousekeeping {
  return new GroupHousekeeping({ redis: link, random: systemRandom, limits });
}

function sweep(limits?: Partial<GroupLimits>): Promise<GroupSweepReport> {
  return worker(limits).sweep(new AbortController().signal);
}

/** Waits for the messages of the sweeps that are done. */
async function found(part: keyof GroupFindings): Promise<string[]> {
  const told = () => findings.flatMap((one) => one[part]).sort();
  await eventually(() => told().length > 0);
  return told();
}

const placesOf = (topic: string) =>
  [0, 1].map((partition) => ({ topicId: `id-${topic}`, topic, partition }));

const placesOfAll = [...placesOf('orders'), ...placesOf('bills')];

/** The offsets that a group has, as `id-orders/0`. */
async function offsetsOf(groupId: string): Promise<string[]> {
  const fields = await link.read.hkeys(keysOf(groupId).offsets);
  return fields.filter((name) => name.includes('/')).sort();
}

/** A group without members that has committed two partitions of both topics. */
async function makeGroup(kind: Kind, groupId: string): Promise<void> {
  if (kind === 'assigned') return void (await (await joined(groupId)).session.leave());
  await commitAsTool(groupId);
}

async function commitAsTool(groupId: string): Promise<void> {
  const parts = { redis: link, clock: systemClock, random: systemRandom, log: silentLogger };
  const coordinator = new GroupCoordinator(parts);
  coordinator.start();
  const offsets = placesOfAll.map((place) => {
    return { ...place, offset: 5, leaderEpoch: 0, metadata: null };
  });
  const claim = { groupId, generationId: -1, memberId: '', groupInstanceId: null };
  // A sweep may take the group away between its making and the commit; then clients try again.
  await eventually(async () => {
    const { errorCode } = await coordinator.commitOffsets({ ...claim, offsets });
    return errorCode === ErrorCode.NONE;
  });
  await coordinator.stop();
}

/** A member that reads straight from Redis, and has committed all partitions. */
async function joined(groupId: string): Promise<TestMember> {
  const settings = { groupId, topics: ['orders', 'bills'], sessionTimeoutMs: 60_000 };
  const member = new TestMember({ redis: link, topics }, settings);
  members.push(member);
  await member.join();
  await eventually(() => member.held.size === placesOfAll.length);
  const done = [...member.held.values()].map(({ topicId, topic, partition, ownerEpoch }) => {
    return { topicId, topic, partition, ownerEpoch, offset: 5, leaderEpoch: 0 };
  });
  expect(await member.session.commit(done)).toMatchObject({ outcome: 'committed' });
  return member;
}

/** A group whose only member was killed: silent, and without having left. */
async function abandoned(groupId: string): Promise<void> {
  const member = await joined(groupId);
  const { state } = keysOf(groupId);
  const fields = await link.read.hgetall(state);
  const { memberId } = member.session;
  await member.session.leave();
  await link.write.hset(state, { ...fields, [`until/${memberId}`]: '1' });
}

const isEmpty = async (groupId: string): Promise<boolean> => {
  const head = await link.read.hget(keysOf(groupId).state, 'head');
  return head !== null && head.startsWith('{"state":"empty"');
};

/** Makes a group empty since 1970, and one of its commits as old. */
async function age(groupId: string, field: string): Promise<void> {
  const { state, offsets } = keysOf(groupId);
  await link.write.hset(state, 'emptySince', '1');
  const value = (await link.read.hget(offsets, field))!;
  const aged = value.replace(/^((?:v2 )?-?\d+ -?\d+) \d+ /, '$1 1 ');
  expect(aged).not.toBe(value);
  await link.write.hset(offsets, field, aged);
}

describe.each(kinds)('a group without members, %s', (kind) => {
  test('goes with its offsets once they are old, and nothing of it stays', async () => {
    await makeGroup(kind, 'g');
    const report = await sweep(expireAll);
    const gone = { groups: 1, removedGroups: 1, removedOffsets: 4, liveGroups: 0 };
    expect(report).toEqual({ ...gone, forgottenTopics: 0, unreadableGroups: 0 });
    expect(await allKeys()).toEqual([]);
    expect(await found('gone')).toEqual(['g']);
    expect(findings.flatMap(({ live }) => live)).toEqual([]);
  });

  test('stays as it is while nothing of it is old', async () => {
    await makeGroup(kind, 'g');
    const before = await link.read.hgetall(keysOf('g').state);
    expect(await sweep()).toMatchObject({ groups: 1, removedGroups: 0, removedOffsets: 0 });
    expect(await link.read.hgetall(keysOf('g').state)).toEqual(before);
    expect(await offsetsOf('g')).toHaveLength(4);
    expect(await worker().isKnown('g')).toBe(true);
  });

  test('loses only the offsets that are old', async () => {
    await makeGroup(kind, 'g');
    await age('g', 'id-orders/1');
    const limits = { ...keepAll, sweepStepCount: 1 };
    expect(await sweep(limits)).toMatchObject({ removedGroups: 0, removedOffsets: 1 });
    expect(await offsetsOf('g')).toEqual(['id-bills/0', 'id-bills/1', 'id-orders/0']);
  });

  test('keeps old commits for as long after its last member has gone', async () => {
    await makeGroup(kind, 'g');
    const { emptySince } = await link.read.hgetall(keysOf('g').state);
    await age('g', 'id-orders/1');
    await link.write.hset(keysOf('g').state, 'emptySince', emptySince!);
    expect(await sweep()).toMatchObject({ removedGroups: 0, removedOffsets: 0 });
    expect(await offsetsOf('g')).toHaveLength(4);
  });

  test("loses a deleted topic's offsets at once, and those alone", async () => {
    await makeGroup(kind, 'g');
    await worker().forgetTopic('id-orders');
    expect(await worker().topicsOf('g')).toEqual(expect.arrayContaining(['id-orders']));
    const report = await sweep({ ...keepAll, sweepStepCount: 1 });
    expect(report).toMatchObject({ forgottenTopics: 1, removedGroups: 0, removedOffsets: 0 });
    expect(await worker().topicsOf('g')).toEqual(['id-bills']);
    expect(await link.read.exists(removedTopics())).toBe(0);
  });

  test('is gone with the last of its topics', async () => {
    await makeGroup(kind, 'g');
    for (const topicId of ['id-orders', 'id-bills']) await worker().forgetTopic(topicId);
    expect(await sweep()).toMatchObject({ forgottenTopics: 2, removedGroups: 1 });
    expect(await allKeys()).toEqual([]);
  });
});

describe('a group with members that read straight from Redis', () => {
  test('keeps its offsets however old they are, and no coordinator is told', async () => {
    const member = await joined('g');
    await age('g', 'id-orders/1');
    await makeGroup('classic', 'other');
    expect(await sweep(expireAll)).toMatchObject({ groups: 2, liveGroups: 1, removedGroups: 1 });
    expect(await found('gone')).toEqual(['other']);
    expect(findings.flatMap(({ live }) => live)).toEqual([]);
    expect(await offsetsOf('g')).toHaveLength(4);
    expect(member.held.size).toBe(4);
  });

  test("loses a deleted topic's offsets all the same", async () => {
    await joined('g');
    await worker().forgetTopic('id-bills');
    expect(await sweep()).toMatchObject({ forgottenTopics: 1, liveGroups: 1 });
    expect(await offsetsOf('g')).toEqual(['id-orders/0', 'id-orders/1']);
  });

  test('is freed of those whose session is over, by two workers at once', async () => {
    await abandoned('g');
    await eventually(async () => {
      const reports = await Promise.all([sweep(), sweep()]);
      expect(reports).toMatchObject([{ unreadableGroups: 0 }, { unreadableGroups: 0 }]);
      return isEmpty('g');
    });
    expect(await offsetsOf('g')).toHaveLength(4);
    expect(await sweep(expireAll)).toMatchObject({ removedGroups: 1, removedOffsets: 4 });
  });
});

describe.each(kinds)('a group that cannot be read, %s', (kind) => {
  const damages: [string, (groupId: string) => Promise<unknown>][] = [
    ['its head', (id) => link.write.hset(keysOf(id).state, 'head', 'damaged')],
    ['a newer format', (id) => link.write.hset(keysOf(id).state, 'format', '999')],
    ['no hash for a state', (id) => link.write.set(keysOf(id).state, 'something else')],
    ['no hash for its offsets', (id) => link.write.set(keysOf(id).offsets, 'something else')],
  ];

  test.each(damages)('for %s is left as it is, and the others are swept', async (_, damage) => {
    for (const groupId of ['a', 'b', 'c']) await makeGroup(kind, groupId);
    await damage('b');
    const names = Object.values(keysOf('b'));
    const dumps = () => Promise.all(names.map((name) => link.read.dumpBuffer(name)));
    const before = await dumps();
    const report = await sweep(expireAll);
    expect(report).toMatchObject({ groups: 3, removedGroups: 2, unreadableGroups: 1 });
    expect(await dumps()).toEqual(before);
    expect(await allKeys()).toEqual(expect.arrayContaining([...names, index()]));
    expect(await link.read.smembers(index())).toEqual(['b']);
    // Whoever coordinates it tells what is wrong with it.
    expect(await found('live')).toEqual(['b']);
    expect(await found('gone')).toEqual(['a', 'c']);
  });

  test('does not keep a deleted topic from being forgotten', async () => {
    for (const groupId of ['a', 'b', 'c']) await makeGroup(kind, groupId);
    await link.write.set(keysOf('b').offsets, 'something else');
    await worker().forgetTopic('id-orders');
    expect(await sweep()).toMatchObject({ forgottenTopics: 1, unreadableGroups: 1 });
    for (const groupId of ['a', 'c']) {
      expect(await offsetsOf(groupId)).toEqual(['id-bills/0', 'id-bills/1']);
    }
  });
});

describe('two workers at once', () => {
  test('remove each thing once, and leave nothing', async () => {
    const groupIds = Array.from({ length: 12 }, (_, at) => `g${at}`);
    for (const [at, groupId] of groupIds.entries()) await makeGroup(kinds[at % 2]!, groupId);
    const limits = { ...expireAll, sweepStepCount: 2 };
    const reports = await Promise.all([sweep(limits), sweep(limits)]);
    const sum = reports.reduce((total, { removedOffsets }) => total + removedOffsets, 0);
    expect(sum).toBe(4 * groupIds.length);
    expect(reports).toMatchObject([{ unreadableGroups: 0 }, { unreadableGroups: 0 }]);
    expect(await allKeys()).toEqual([]);
  });

  test('forget deleted topics together', async () => {
    const groupIds = Array.from({ length: 6 }, (_, at) => `g${at}`);
    for (const [at, groupId] of groupIds.entries()) await makeGroup(kinds[at % 2]!, groupId);
    await worker().forgetTopic('id-orders');
    await Promise.all([sweep(), sweep()]);
    for (const groupId of groupIds) {
      expect(await offsetsOf(groupId)).toEqual(['id-bills/0', 'id-bills/1']);
    }
    expect(await link.read.exists(removedTopics())).toBe(0);
  });

  test.each(kinds)(
    'do not lose sight of a group that is made again meanwhile, %s',
    async (kind) => {
      for (let round = 0; round < 5; round++) {
        await Promise.all([sweep(expireAll), makeGroup(kind, 'g'), sweep(expireAll)]);
        const exists = await link.read.exists(keysOf('g').state);
        if (exists === 1) expect(await worker().isKnown('g')).toBe(true);
      }
    },
  );
});

describe('the index', () => {
  test('is freed of a group that is not there, with offsets that nobody has', async () => {
    await makeGroup('classic', 'g');
    await link.write.unlink(keysOf('g').state);
    expect(await sweep()).toMatchObject({ groups: 1, removedGroups: 1 });
    expect(await allKeys()).toEqual([]);
  });

  test('takes back a group that it does not name', async () => {
    await makeGroup('assigned', 'g');
    await link.write.srem(index(), 'g');
    expect(await sweep()).toMatchObject({ groups: 0 });
    expect(await worker().isKnown('g')).toBe(false);
    await worker().remember('g');
    expect(await sweep()).toMatchObject({ groups: 1 });
  });
});

test('a round that loses Redis in its midst fails, and the next one does the rest', async () => {
  for (const groupId of ['a', 'b', 'c']) await makeGroup('classic', groupId);
  await worker().forgetTopic('id-orders');
  const proxy = new TcpProxy(redis);
  const port = await proxy.start();
  const url = Object.assign(new URL(redis.adminUrl), { hostname: '127.0.0.1', port }).href;
  const cut = await connectLink(redis, { url, keyPrefix: link.keyPrefix });
  const { expire } = GroupStates.prototype;
  jest.spyOn(GroupStates.prototype, 'expire').mockImplementationOnce(function (
    this: GroupStates,
    ...args
  ) {
    proxy.interrupt();
    return expire.apply(this, args);
  });
  const failing = new GroupHousekeeping({ redis: cut, random: systemRandom, limits: keepAll });
  const failed = failing.sweep(new AbortController().signal);
  await expect(failed).rejects.toMatchObject({
    name: expect.stringMatching(/^(RedisUnavailable|UnknownOutcome)$/),
  });
  expect(await link.read.smembers(removedTopics())).toEqual(['id-orders']);
  expect(await sweep()).toMatchObject({ groups: 3, forgottenTopics: 1, unreadableGroups: 0 });
  for (const groupId of ['a', 'b', 'c']) {
    expect(await offsetsOf(groupId)).toEqual(['id-bills/0', 'id-bills/1']);
  }
  await cut.close();
  await proxy.stop();
});
