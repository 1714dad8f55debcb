import { redisLimits } from '@sluice/redis';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { Acknowledger } from './acknowledger';
import { consumerLimits as limits } from './consumer-limits';
import { EntryQueue, heldEntry } from './entry-queue';

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** An acknowledger of entries of one record each, which were all handed over. */
function acknowledgerOf(answer: 'acknowledged' | 'unclaimed' = 'acknowledged') {
  const clock = new FakeClock();
  const calls: { progress: number; count: number }[] = [];
  const queue = new EntryQueue();
  const acknowledge = async (progress: number, ids: readonly string[]) => {
    calls.push({ progress, count: ids.length });
    return answer;
  };
  const told = { onAcknowledged: () => {}, onRefused: () => {} };
  const parts = { delivery: { acknowledge }, clock, limits, ...told };
  const acknowledger = new Acknowledger(parts, queue, 0);
  let end = 0;
  const hold = (count: number): void => {
    for (let left = count; left > 0; left--, end++) {
      const row = { id: `${end}-1`, bytes: Buffer.alloc(61) };
      queue.add(heldEntry(row, end, { isRepeated: false }));
      queue.advance();
    }
  };
  return { clock, calls, acknowledger, hold };
}

describe('acknowledging', () => {
  it('waits for longer while few entries are held', async () => {
    const { clock, calls, acknowledger, hold } = acknowledgerOf();
    hold(2);
    acknowledger.want(1);
    clock.advance(limits.acknowledgeFewAfterMs - 1);
    acknowledger.want(2);
    expect(calls).toEqual([]);
    clock.advance(1);
    expect(calls).toEqual([{ progress: 2, count: 2 }]);
    await settled();
    expect(acknowledger.progress).toBe(2);
  });

  it('does so no more once there are many', () => {
    const { clock, calls, acknowledger, hold } = acknowledgerOf();
    hold(1);
    acknowledger.want(1);
    hold(limits.fewEntries);
    acknowledger.want(2);
    expect(calls).toEqual([{ progress: 2, count: 2 }]);
    expect(clock.timerCount).toBe(0);
  });

  it('waits for a short time where there are many', () => {
    const { clock, calls, acknowledger, hold } = acknowledgerOf();
    hold(limits.fewEntries + 1);
    acknowledger.want(1);
    acknowledger.want(3);
    expect(calls).toEqual([]);
    clock.advance(limits.acknowledgeAfterMs);
    expect(calls).toEqual([{ progress: 3, count: 3 }]);
  });
});

it('pauses for longer and longer while Redis refuses it again and again', async () => {
  const { clock, calls, acknowledger, hold } = acknowledgerOf('unclaimed');
  hold(1);
  acknowledger.want(1);
  let answers = 0;
  const ask = async (): Promise<void> => {
    while (answers < 100 && !(await acknowledger.whenConfirmed(1))) answers++;
  };
  void ask();
  await settled();
  expect(calls).toHaveLength(2);
  await clock.advanceAsync(redisLimits.reconnectDelayMinMs);
  await settled();
  expect(calls).toHaveLength(3);
  await clock.advanceAsync(redisLimits.reconnectDelayMinMs);
  await settled();
  expect(calls).toHaveLength(3);
  acknowledger.end();
});
