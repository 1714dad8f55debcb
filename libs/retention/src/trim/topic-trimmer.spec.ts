import { silentLogger, systemClock } from '@sluice/base';
import { partitionKeys, PartitionStore, type Topic } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { appendAll } from '@sluice/test/support/appended';
import { batchAt } from '@sluice/test/support/batches';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { checkIntervalMs, TopicTrimmer } from './topic-trimmer';

const minuteMs = 60_000;
const nowMs = 1_700_000_000_000;

let redis: RedisLink;
let store: PartitionStore;
let trimmer: TopicTrimmer;

beforeEach(async () => {
  redis = await connectLink(await sharedRedis());
  store = new PartitionStore(redis);
  const clock = { ...systemClock, nowMs: () => nowMs };
  trimmer = new TopicTrimmer({ store, clock, log: silentLogger });
});

afterEach(() => redis.close());

afterAll(async () => {
  await (await sharedRedis()).stop();
});

function topicWith(configs: Topic['configs'], partitions = 1): Topic {
  const id = 'AAAAAAAAAAAAAAAAAAAAAA';
  return { name: 'orders', id, partitions, configs, createdAtMs: 0 };
}

const refOf = ({ name, id }: Topic, partition = 0) => ({ topic: name, topicId: id, partition });

/** One batch of one record for each of these ages, in each partition. */
async function fill(topic: Topic, agesMs: readonly number[]): Promise<void> {
  for (let partition = 0; partition < topic.partitions; partition++) {
    const ref = refOf(topic, partition);
    await store.initPartition(ref);
    const batches = agesMs.map((ageMs) => batchAt(nowMs - ageMs));
    await appendAll(store, ref, batches);
  }
}

const startOf = async (topic: Topic, partition = 0): Promise<number> =>
  (await store.bounds(refOf(topic, partition)))!.logStartOffset;

describe('a topic is trimmed', () => {
  it('to its retention.ms, each partition of it', async () => {
    const topic = topicWith({ 'retention.ms': String(10 * minuteMs) }, 3);
    await fill(topic, [12 * minuteMs, 11 * minuteMs, 10 * minuteMs, minuteMs]);
    const bytes = 3 * 2 * batchAt(1).bytes.length;
    const counts = { trimmedPartitions: 3, records: 6, batches: 6, bytes };
    expect(await trimmer.trim(topic)).toEqual({ partitions: 3, ...counts, failures: [] });
    expect(await startOf(topic, 2)).toBe(2);
    expect(await trimmer.trim(topic)).toMatchObject({ partitions: 3, records: 0, batches: 0 });
  });

  it.each([
    ['nothing is said: seven days', {}, 1],
    ['retention.ms is -1: for ever', { 'retention.ms': '-1' }, 0],
    ['it is compacted', { 'cleanup.policy': 'compact', 'retention.ms': '1' }, 0],
    ['nothing is ever cleaned up', { 'cleanup.policy': '', 'retention.bytes': '0' }, 0],
    ['it is compacted and deleted', { 'cleanup.policy': 'compact,delete' }, 1],
    ['the size is limited', { 'retention.ms': '-1', 'retention.bytes': '50' }, 2],
    ['both are limited', { 'retention.bytes': '1000' }, 1],
  ])('by its configs; %s', async (_, configs: Topic['configs'], start) => {
    const topic = topicWith(configs);
    await fill(topic, [8 * 24 * 60 * minuteMs, minuteMs, 0]);
    await trimmer.trim(topic);
    expect(await startOf(topic)).toBe(start);
  });

  it('in all partitions but the one that fails', async () => {
    const topic = topicWith({ 'retention.ms': '1' }, 3);
    await fill(topic, [minuteMs]);
    await redis.write.set(`${redis.keyPrefix}{orders/${topic.id}/1}:log`, 'not a stream');
    const report = await trimmer.trim(topic);
    expect(report).toMatchObject({ partitions: 3, trimmedPartitions: 2, batches: 2 });
    const message = expect.stringContaining('WRONGTYPE');
    expect(report.failures).toEqual([{ partition: 1, message }]);
    await redis.write.unlink(`${redis.keyPrefix}{orders/${topic.id}/1}:log`);
  });

  it.each([
    ['without limits', { 'retention.ms': '-1' }],
    ['that is compacted', { 'cleanup.policy': 'compact' }],
  ])('to its log start where a DeleteRecords was cut short, one %s', async (_, configs) => {
    const topic = topicWith(configs as Topic['configs']);
    await fill(topic, [minuteMs, minuteMs, minuteMs]);
    const { meta } = partitionKeys(redis.keyPrefix, refOf(topic));
    const steps = jest.spyOn(store, 'trimStep');
    await trimmer.trim(topic);
    // Nothing can be there, and only the meta hash is looked at.
    expect(steps).not.toHaveBeenCalled();
    for (const start of ['1', '2']) {
      await redis.write.hset(meta, 'start', start);
      expect(await trimmer.trim(topic)).toMatchObject({ batches: 1, failures: [] });
    }
    steps.mockClear();
    await trimmer.trim(topic);
    expect(steps).not.toHaveBeenCalled();
  });

  it('until it is told to end', async () => {
    const topic = topicWith({ 'retention.ms': '1' }, 2);
    await fill(topic, [minuteMs]);
    const report = await trimmer.trim(topic, AbortSignal.abort());
    expect(report).toMatchObject({ partitions: 0, batches: 0 });
  });

  it('without complaint where it was deleted meanwhile', async () => {
    const report = await trimmer.trim(topicWith({}, 2));
    expect(report).toMatchObject({ partitions: 2, trimmedPartitions: 0, failures: [] });
  });
});

describe('a topic is looked at again', () => {
  it.each([
    ['at the usual interval', {}, 5 * minuteMs],
    ['ten times in its retention.ms where that is short', { 'retention.ms': '10000' }, 1_000],
    ['at most every second', { 'retention.ms': '0' }, 1_000],
    ['at the usual interval where it keeps all', { 'retention.ms': '-1' }, 5 * minuteMs],
    ['and where it is only compacted', { 'cleanup.policy': 'compact', 'retention.ms': '1' }, 3e5],
  ])('%s', (_, configs: Topic['configs'], everyMs) => {
    expect(checkIntervalMs(topicWith(configs), 5 * minuteMs)).toBe(everyMs);
  });
});
