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
    const care = new PartitionCare({ store, topics, producerIdExpirationMs: 5_000 });
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
    await new PartitionCare({ store, topics, producerIdExpirationMs: 1 }).run(stopping.signal);
    expect(expired).toEqual([0]);
  });
});
