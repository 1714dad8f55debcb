import { silentLogger } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { PartitionCare } from './partition-care';

const topicOf = (name: string, partitions: number) => {
  return { name, id: name, partitions, configs: {}, createdAtMs: 0 };
};

const topics = () => [topicOf('small', 1), topicOf('large', 20)];

describe('PartitionCare', () => {
  it('looks after every partition, a bounded number at a time, again and again', async () => {
    const clock = new FakeClock();
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
    const options = { store, topics, producerIdExpirationMs: 5_000, clock, log: silentLogger };
    const care = new PartitionCare(options);
    care.start();
    await clock.advanceAsync(partitionLimits.careFirstMs);
    expect(expired).toHaveLength(21);
    expect(new Set(expired).size).toBe(21);
    expect(expired).toContain('large/19 5000');
    expect(atOnceMax).toBeLessThanOrEqual(partitionLimits.careAtOnceMax);
    await clock.advanceAsync(partitionLimits.careEveryMs);
    expect(expired).toHaveLength(42);
    await care.stop();
  });
});
