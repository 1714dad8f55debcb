import { FakeClock } from '@sluice/test/support/fake-clock';
import { baseLimits } from './limits';
import { silentLogger } from './logger';
import { Sampler } from './sampler';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Counts its samples; each waits until the test lets it end. */
function heldSampler() {
  const clock = new FakeClock();
  const held: ((value: number | Error) => void)[] = [];
  const sampler = new Sampler<number>({
    clock,
    log: silentLogger,
    name: 'a sample',
    take: () =>
      new Promise((resolve, reject) => {
        held.push((value) => (value instanceof Error ? reject(value) : resolve(value)));
      }),
  });
  return { clock, held, sampler };
}

test('who looks first gets nothing, who looks later the value, and nobody waits', async () => {
  const { held, sampler } = heldSampler();
  expect([sampler.look(), sampler.look(), held.length]).toEqual([null, null, 1]);
  held[0]!(7);
  await turn();
  expect([sampler.look(), held.length]).toEqual([7, 1]);
});

test('an old value is given once more while the next is found out', async () => {
  const { clock, held, sampler } = heldSampler();
  sampler.look();
  held[0]!(7);
  await turn();
  clock.advance(baseLimits.sampleAgeMs);
  expect([sampler.look(), held.length, sampler.ageMs]).toEqual([7, 2, baseLimits.sampleAgeMs]);
  held[1]!(8);
  await turn();
  expect([sampler.look(), sampler.ageMs]).toEqual([8, 0]);
});

test('a failure leaves the last value, and the next try is not at once', async () => {
  const { clock, held, sampler } = heldSampler();
  sampler.look();
  held[0]!(7);
  await turn();
  clock.advance(baseLimits.sampleAgeMs);
  sampler.look();
  held[1]!(new Error('away'));
  await turn();
  expect([sampler.look(), held.length]).toEqual([7, 2]);
  clock.advance(baseLimits.sampleAgeMs);
  sampler.look();
  expect(held).toHaveLength(3);
});

test('once stopped it waits for what is under way, and begins nothing', async () => {
  const { clock, held, sampler } = heldSampler();
  sampler.look();
  let hasStopped = false;
  const stopped = sampler.stop().then(() => (hasStopped = true));
  await turn();
  expect(hasStopped).toBe(false);
  held[0]!(7);
  await stopped;
  clock.advance(baseLimits.sampleAgeMs);
  expect([sampler.look(), held.length]).toEqual([7, 1]);
});
