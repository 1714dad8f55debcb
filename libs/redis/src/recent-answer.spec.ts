import { FakeClock } from '@sluice/test/support/fake-clock';
import { RecentAnswer } from './recent-answer';

it('asks again once the answer is too old, or forgotten, and shares a question', async () => {
  const clock = new FakeClock();
  let asked = 0;
  const recent = new RecentAnswer({ clock, ageMaxMs: 1_000, ask: async () => ++asked });
  expect(recent.last).toBeNull();
  expect(await Promise.all([recent.get(), recent.get()])).toEqual([1, 1]);
  expect(await recent.get()).toBe(1);
  clock.advance(1_000);
  expect(recent.last).toBe(1);
  expect(await recent.get()).toBe(2);
  recent.forget();
  expect(await recent.get()).toBe(3);
});

it('remembers no failure', async () => {
  const answers = [() => Promise.reject(new Error('away')), () => Promise.resolve('here')];
  const clock = new FakeClock();
  const recent = new RecentAnswer({ clock, ageMaxMs: 1_000, ask: () => answers.shift()!() });
  await expect(recent.get()).rejects.toThrow('away');
  expect(await recent.get()).toBe('here');
});
