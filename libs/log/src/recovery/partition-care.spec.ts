import { silentLogger as log } from '@sluice/base';
import { UnknownOutcome } from '@sluice/redis';
import type { PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { PartitionCare } from './partition-care';

const topicOf = (name: string, partitions: number) => {
  return { name, id: name, partitions, configs: {}, createdAtMs: 0 };
};

const topics = () => [topicOf('small', 1), topicOf('large', 20)];

describe('PartitionCare', () => {
  it('looks after every partition, a bounded number at a time', async () => {
    const expired: string[] = [];
    let [atOnce, atOnceMax] = [0, 0];
    const store = {
      settle: async () => {
        atOnceMax = Math.max(atOnceMax, ++atOnce);
      },
      expireProducers: async ({ topic, partition }: PartitionRef, unusedMs: number) => {
        atOnce--;
        expired.push(`${topic}/${partition} ${unusedMs}`);
        return 1;
      },
    };
    const care = new PartitionCare({ store, topics, producerIdExpirationMs: 5_000, log });
    const report = await care.run(new AbortController().signal);
    expect(report).toEqual({ partitions: 21, producers: 21 });
    expect(new Set(expired).size).toBe(21);
    expect(expired).toContain('large/19 5000');
    expect(atOnceMax).toBeLessThanOrEqual(partitionLimits.careAtOnceMax);
  });

  it('begins nothing more once it is aborted', async () => {
    const stopping = new AbortController();
    const expired: number[] = [];
    const store = {
      settle: async () => undefined,
      expireProducers: async ({ partition }: PartitionRef) => {
        stopping.abort();
        return expired.push(partition);
      },
    };
    const care = new PartitionCare({ store, topics, producerIdExpirationMs: 1, log });
    await care.run(stopping.signal);
    expect(expired).toEqual([0]);
  });

  it('goes on behind a partition that is damaged, and fails at the end', async () => {
    const expired: string[] = [];
    const store = {
      settle: async ({ topic }: PartitionRef) => {
        if (topic === 'small') throw new UnknownOutcome('log/settle', {}, 'WRONGTYPE');
      },
      expireProducers: async ({ partition }: PartitionRef) => expired.push(`${partition}`),
    };
    const error = jest.fn();
    const options = { store, topics, producerIdExpirationMs: 1, log: { ...log, error } };
    const running = new PartitionCare(options).run(new AbortController().signal);
    await expect(running).rejects.toThrow('1 partitions were not looked after, first small/0');
    expect(expired).toHaveLength(20);
    expect(error).toHaveBeenCalledTimes(1);
  });

  it('ends at once when Redis does not answer', async () => {
    const settle = jest.fn(() => Promise.reject(new UnknownOutcome('log/settle')));
    const store = { settle, expireProducers: async () => 0 };
    const care = new PartitionCare({ store, topics, producerIdExpirationMs: 1, log });
    await expect(care.run(new AbortController().signal)).rejects.toThrow('no reply came');
    expect(settle).toHaveBeenCalledTimes(1);
  });
});
