import { systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { RecordedLog } from '../../test/recorded-log';
import { GroupCoordinator } from '../coordinator/coordinator';
import { TestConsumer } from '../../test/test-consumer';
import { GroupKeys } from './keys';
import { commitScript, deleteOffsetsScript, deleteScript } from './scripts';

let redis: TestRedis;
let link: RedisLink;
let log: RecordedLog;
let coordinator: GroupCoordinator;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  log = new RecordedLog();
  coordinator = new GroupCoordinator({
    redis: link,
    clock: systemClock,
    random: systemRandom,
    log,
    limits: { quarantineMs: 0 },
  });
  coordinator.start();
});
afterEach(async () => {
  await coordinator.stop();
  await link.close();
});

const keysOf = (groupId: string) => new GroupKeys(link.keyPrefix).of(groupId);

/** A commit by a consumer that is in no group. */
async function commit(groupId: string, offset: number): Promise<number> {
  const claim = { groupId, memberId: '', generationId: -1, groupInstanceId: null };
  const offsets = [
    { topicId: 'T', topic: 't', partition: 0, offset, leaderEpoch: 4, metadata: 'a note' },
  ];
  return (await coordinator.commitOffsets({ ...claim, offsets })).errorCode;
}

const all = (groupId: string) => coordinator.fetchOffsets({ groupId, partitions: null });
const one = (groupId: string, partition = 0) =>
  coordinator.fetchOffsets({ groupId, partitions: [{ topicId: 'T', partition }] });

describe('a group that the version before has stored', () => {
  beforeEach(async () => {
    const { state, offsets } = keysOf('old');
    const head = {
      state: 'stable',
      generationId: 3,
      protocolType: 'consumer',
      protocolName: 'range',
      leaderId: 'm',
    };
    const member = {
      instanceId: null,
      clientId: 'c',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocols: [['range', 'AAAA']],
    };
    await link.write.hset(state, {
      fence: 'Tzr9Ggk7SXC4sVQO3F1wyQ:17',
      head: JSON.stringify(head),
      'member/m': JSON.stringify(member),
      'share/m': 'its share',
    });
    await link.write.hset(offsets, { 'T/0': '42 7 1700000000000 a 1 note', 'T/1': '-1 -1 1 ' });
    await link.write.sadd(new GroupKeys(link.keyPrefix).index, 'old');
  });

  test('is served as it is, and has format numbers from then on', async () => {
    expect(await coordinator.describe('old')).toMatchObject({
      groupState: 'Stable',
      protocolData: 'range',
      members: [{ memberId: 'm', memberAssignment: Buffer.from('its share') }],
    });
    const claim = { groupId: 'old', memberId: 'm', generationId: 3, groupInstanceId: null };
    expect((await coordinator.heartbeat(claim)).errorCode).toBe(ErrorCode.NONE);
    const { state, offsets } = keysOf('old');
    expect(await link.read.hget(state, 'format')).toBe('1');
    expect(await link.read.hget(offsets, 'format')).toBe('2');
    expect((await coordinator.list()).groups).toHaveLength(1);
  });

  test('has its offsets, of no lineage until somebody commits', async () => {
    const old = { offset: 42, leaderEpoch: 7, metadata: 'a 1 note', lineage: 0 };
    const nothing = { offset: -1, leaderEpoch: -1, metadata: '', lineage: 0 };
    const { offsets } = await all('old');
    const sorted = offsets.sort((left, right) => left.partition - right.partition);
    expect(sorted).toMatchObject([old, nothing]);
    expect((await one('old')).offsets).toMatchObject([old]);
    const claim = { groupId: 'old', memberId: 'm', generationId: 3, groupInstanceId: null };
    const place = { topicId: 'T', topic: 't', partition: 0 };
    const next = [{ ...place, offset: 43, leaderEpoch: 7, metadata: null }];
    const { errorCode } = await coordinator.commitOffsets({ ...claim, offsets: next });
    expect(errorCode).toBe(ErrorCode.NONE);
    const [found] = (await one('old')).offsets;
    expect(found).toMatchObject({ offset: 43, metadata: '' });
    expect(found!.lineage).toBeGreaterThan(0);
  });
});

describe('the lineage of an offset', () => {
  test('rises with each commit, also when the clock of Redis stands behind it', async () => {
    await commit('g', 1);
    const future = 9_000_000_000_000_000;
    await link.write.hset(keysOf('g').offsets, 'lineage', String(future));
    await commit('g', 2);
    expect((await one('g')).offsets[0]!.lineage).toBe(future + 1);
  });

  test('does not come back when the offset, or the group, was deleted in between', async () => {
    await commit('g', 1);
    const before = (await one('g')).offsets[0]!.lineage;
    const partitions = [{ topicId: 'T', topic: 't', partition: 0 }];
    await coordinator.deleteOffsets({ groupId: 'g', partitions });
    await commit('g', 1);
    const between = (await one('g')).offsets[0]!.lineage;
    expect(between).toBeGreaterThan(before);
    expect(await coordinator.deleteGroup('g')).toBe(ErrorCode.NONE);
    await commit('g', 1);
    expect((await one('g')).offsets[0]!.lineage).toBeGreaterThan(between);
  });
});

describe('offsets that cannot be read', () => {
  test.each([
    ['an offset of a newer format', 'T/0', 'v3 something else', 'format 3'],
    ['offsets of a newer format', 'format', '3', 'format 3'],
    ['a damaged offset', 'T/0', 'damaged', 'T/0'],
    ['a damaged offset of this format', 'T/0', 'v2 damaged', 'T/0'],
  ])('(%s) are refused and told once, and of that group only', async (_, field, value, said) => {
    await commit('g', 1);
    await commit('other', 1);
    await link.write.hset(keysOf('g').offsets, field, value);
    for (let time = 0; time < 3; time++) {
      expect(await one('g')).toEqual({ errorCode: ErrorCode.NOT_COORDINATOR, offsets: [] });
      expect(await all('g')).toEqual({ errorCode: ErrorCode.NOT_COORDINATOR, offsets: [] });
    }
    const told = log.about('error', 'g');
    expect(told).toHaveLength(1);
    expect(told[0]!.fields.error).toContain(said);
    expect(told[0]!.fields.error).toContain(keysOf('g').offsets);
    expect((await all('other')).offsets).toHaveLength(1);
    expect(await commit('other', 2)).toBe(ErrorCode.NONE);
  });

  test('that a newer gateway has written are not overwritten', async () => {
    await commit('g', 1);
    const newer = { format: '3', 'T/0': 'v3 something else' };
    await link.write.hset(keysOf('g').offsets, newer);
    expect(await commit('g', 2)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await link.read.hgetall(keysOf('g').offsets)).toMatchObject(newer);
    expect(log.about('error', 'g')[0]!.fields.error).toContain(keysOf('g').offsets);
    expect(await commit('other', 2)).toBe(ErrorCode.NONE);
  });

  test('that are damaged are replaced by the next commit', async () => {
    await commit('g', 1);
    await link.write.hset(keysOf('g').offsets, 'T/0', 'damaged');
    expect(await commit('g', 2)).toBe(ErrorCode.NONE);
    expect((await all('g')).offsets).toMatchObject([{ offset: 2 }]);
  });
});

describe('the keys that scripts name together', () => {
  const scripts = [commitScript, deleteOffsetsScript, deleteScript];
  const missing = async (groupId: string) => {
    const names = scripts.map((script) => script.missingKeys(link.read, keysOf(groupId)));
    return (await Promise.all(names)).flat();
  };

  test('are there as soon as the group is, without any offset', async () => {
    const member = new TestConsumer({ coordinator: () => coordinator, groupId: 'g', name: 'a' });
    await member.enter();
    expect(await link.read.hgetall(keysOf('g').offsets)).toEqual({ format: '2' });
    expect(await missing('g')).toEqual([]);
    expect(await member.commit(1)).toBe(ErrorCode.NONE);
    expect(await missing('g')).toEqual([]);
  });

  test('go with the group', async () => {
    expect(await commit('g', 1)).toBe(ErrorCode.NONE);
    expect(await missing('g')).toEqual([]);
    expect(await coordinator.deleteGroup('g')).toBe(ErrorCode.NONE);
    const { state, offsets } = keysOf('g');
    expect(await link.read.exists(state, offsets)).toBe(0);
  });
});
