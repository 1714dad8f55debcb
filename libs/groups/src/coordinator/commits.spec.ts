import { systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, freshPrefix, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { HoldingProxy } from '../../test/holding-proxy';
import { RecordedLog } from '../../test/recorded-log';
import { TestConsumer } from '../../test/test-consumer';
import type { OffsetToCommit } from '../api';
import { GroupKeys } from '../store/keys';
import { GroupCoordinator } from './coordinator';

let redis: TestRedis;
let link: RedisLink;
let log: RecordedLog;
let coordinator: GroupCoordinator;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  log = new RecordedLog();
  coordinator = await startCoordinator(link);
});
afterEach(async () => {
  await coordinator.stop();
  await link.close();
});

async function startCoordinator(to: RedisLink): Promise<GroupCoordinator> {
  const started = new GroupCoordinator({
    redis: to,
    clock: systemClock,
    random: systemRandom,
    log,
    limits: { initialRebalanceDelayMs: 0, sessionTimeoutMsMin: 50, troubleQuietMs: 100 },
  });
  started.start();
  return started;
}

function offset(value: number, more: Partial<OffsetToCommit> = {}): OffsetToCommit {
  const place = { topicId: 'T', topic: 'orders', partition: 0 };
  return { ...place, offset: value, leaderEpoch: 0, metadata: null, ...more };
}

/** A commit by a consumer that is in no group; gives the codes of the partitions. */
async function commit(groupId: string, ...offsets: OffsetToCommit[]): Promise<number[]> {
  const claim = { groupId, memberId: '', generationId: -1, groupInstanceId: null };
  const { partitions } = await coordinator.commitOffsets({ ...claim, offsets });
  return partitions.map(({ errorCode }) => errorCode);
}

async function committed(groupId: string): Promise<number[]> {
  const { offsets } = await coordinator.fetchOffsets({ groupId, partitions: null });
  return offsets.map((found) => found.offset);
}

function warnings() {
  return log.lines.filter(({ level }) => level === 'warn' || level === 'error');
}

async function stored(groupId: string): Promise<string | null> {
  return link.read.hget(new GroupKeys(link.keyPrefix).offsets(groupId), 'T/0');
}

describe('what may be committed', () => {
  test('metadata is limited in characters, as Kafka counts them', async () => {
    const most = 'ä'.repeat(4_096);
    expect(await commit('g', offset(1, { metadata: most }))).toEqual([ErrorCode.NONE]);
    const offsets = [offset(2, { metadata: `${most}.` }), offset(3, { partition: 1 })];
    expect(await commit('g', ...offsets)).toEqual([ErrorCode.OFFSET_METADATA_TOO_LARGE, 0]);
    expect((await committed('g')).sort()).toEqual([1, 3]);
  });

  test('an offset that is no exact number is refused, and the others are not', async () => {
    const largest = Number.MAX_SAFE_INTEGER - 1;
    const offsets = [
      offset(largest),
      offset(Number.MAX_SAFE_INTEGER, { partition: 1 }),
      offset(Number.MIN_SAFE_INTEGER, { partition: 2 }),
      offset(-1, { partition: 3 }),
    ];
    const refused = ErrorCode.INVALID_COMMIT_OFFSET_SIZE;
    expect(await commit('g', ...offsets)).toEqual([0, refused, refused, 0]);
    expect((await committed('g')).sort()).toEqual([-1, largest]);
    expect(await stored('g')).toContain('9007199254740990');
  });
});

describe('a commit that is late', () => {
  test('on a connection that was given up does not move the offset back', async () => {
    const proxy = new HoldingProxy(redis);
    const url = `redis://127.0.0.1:${await proxy.start()}`;
    const keyPrefix = freshPrefix();
    const slow = await connectLink(redis, { url, keyPrefix, commandStallMs: 1_000 });
    await coordinator.stop();
    coordinator = await startCoordinator(slow);
    try {
      expect(await commit('g', offset(1))).toEqual([ErrorCode.NONE]);
      proxy.hold();
      // It may have been made.
      expect(await commit('g', offset(2))).toEqual([ErrorCode.REQUEST_TIMED_OUT]);
      expect(proxy.heldCount).toBeGreaterThan(0);
      await eventually(async () => (await commit('g', offset(3)))[0] === ErrorCode.NONE);
      proxy.release();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await eventually(async () => (await committed('g')).length > 0);
      expect(await committed('g')).toEqual([3]);
    } finally {
      await coordinator.stop();
      await slow.close();
      await proxy.stop();
    }
  });

  test('of a gateway that was killed does not either', async () => {
    const proxy = new HoldingProxy(redis);
    const url = `redis://127.0.0.1:${await proxy.start()}`;
    const slow = await connectLink(redis, { url, keyPrefix: link.keyPrefix });
    const killed = await startCoordinator(slow);
    try {
      const member = new TestConsumer({ coordinator: () => killed, groupId: 'g', name: 'a' });
      await member.enter();
      expect(await member.commit(1)).toBe(ErrorCode.NONE);
      proxy.hold();
      const late = member.commit(2);
      await eventually(() => proxy.heldCount > 0);
      // The next gateway serves the same member in the same generation.
      const { memberId, generationId } = member;
      const claim = { groupId: 'g', memberId, generationId, groupInstanceId: null };
      const newer = await coordinator.commitOffsets({ ...claim, offsets: [offset(3)] });
      expect(newer.errorCode).toBe(ErrorCode.NONE);
      proxy.release();
      await slow.close();
      await late;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await committed('g')).toEqual([3]);
    } finally {
      await killed.stop();
      await proxy.stop();
    }
  });
});

describe('a Redis that refuses commits', () => {
  test('is told in one line when it begins, and in one when it is over', async () => {
    const groups = ['g1', 'g2', 'g3'];
    for (const groupId of groups) expect(await commit(groupId, offset(1))).toEqual([0]);
    const refused = [ErrorCode.COORDINATOR_NOT_AVAILABLE];
    await link.write.config('SET', 'min-replicas-to-write', '1');
    try {
      for (let time = 0; time < 20; time++) {
        for (const groupId of groups) expect(await commit(groupId, offset(2))).toEqual(refused);
      }
    } finally {
      await link.write.config('SET', 'min-replicas-to-write', '0');
    }
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]!.fields).toMatchObject({ group: 'g1' });
    expect(warnings()[0]!.fields.error).toContain('NOREPLICAS');
    for (const groupId of groups) expect(await commit(groupId, offset(3))).toEqual([0]);
    await eventually(() => warnings().length === 2);
    expect(warnings()[1]!.message).toContain('over');
    expect(warnings()[1]!.fields).toMatchObject({ times: 60 });
  });
});
