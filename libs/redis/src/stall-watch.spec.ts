import { FakeClock } from '@sluice/test/support/fake-clock';
import { StallWatch } from './stall-watch';

const stallMs = 1_000;

function watched() {
  const clock = new FakeClock();
  const broken: number[] = [];
  const stream = { bytesRead: 0, destroy: () => broken.push(clock.monotonicMs()) };
  const redis = { commandQueue: { length: 0 }, stream };
  const watch = new StallWatch(redis, stallMs, clock);
  const startMs = clock.monotonicMs();
  const send = (): void => {
    redis.commandQueue.length++;
    watch.sent();
  };
  const answer = (): void => {
    redis.commandQueue.length--;
    redis.stream.bytesRead += 5;
  };
  const brokenAfterMs = (): number[] => broken.map((atMs) => atMs - startMs);
  return { clock, redis, watch, send, answer, brokenAfterMs };
}

it('breaks off a connection that owes a reply and receives nothing', () => {
  const { clock, send, brokenAfterMs } = watched();
  send();
  clock.advance(stallMs - 1);
  expect(brokenAfterMs()).toEqual([]);
  clock.advance(1);
  expect(brokenAfterMs()).toEqual([stallMs]);
});

it('leaves one alone that owes nothing, and sets no timer then', () => {
  const { clock, send, answer, brokenAfterMs } = watched();
  send();
  answer();
  clock.advance(10 * stallMs);
  expect(brokenAfterMs()).toEqual([]);
  expect(clock.timerCount).toBe(0);
});

it('counts from what came last, however much is owed all the time', () => {
  const { clock, send, answer, brokenAfterMs } = watched();
  send();
  for (let round = 0; round < 20; round++) {
    send();
    clock.advance(stallMs / 2);
    answer();
  }
  expect(brokenAfterMs()).toEqual([]);
  const lastMs = 10 * stallMs;
  clock.advance(2 * stallMs);
  const [brokenMs] = brokenAfterMs();
  expect(brokenMs).toBeGreaterThanOrEqual(lastMs + stallMs);
  expect(brokenMs).toBeLessThanOrEqual(lastMs + 1.5 * stallMs);
});

it('does not count time in which this process stood still, and heard nothing', () => {
  const { clock, redis, send, brokenAfterMs } = watched();
  send();
  clock.standStill(3 * stallMs);
  clock.advance(0);
  expect(brokenAfterMs()).toEqual([]);
  // What came meanwhile is read only now.
  redis.stream.bytesRead += 5;
  clock.advance(0.9 * stallMs);
  expect(brokenAfterMs()).toEqual([]);
  clock.advance(0.6 * stallMs);
  expect(brokenAfterMs()).toHaveLength(1);
});

it('does not hold the silence of one command against the next', () => {
  const { clock, send, answer, brokenAfterMs } = watched();
  send();
  answer();
  clock.advance(0.9 * stallMs);
  send();
  clock.advance(0.9 * stallMs);
  expect(brokenAfterMs()).toEqual([]);
  answer();
});

it('takes a longer time while one is given', () => {
  const { clock, watch, send, brokenAfterMs } = watched();
  watch.stallMs = 3 * stallMs;
  send();
  clock.advance(2.9 * stallMs);
  expect(brokenAfterMs()).toEqual([]);
  watch.stallMs = stallMs;
  clock.advance(stallMs);
  expect(brokenAfterMs()).toHaveLength(1);
});

it('does not break off the connection that was made anew', () => {
  const { clock, redis, watch, send, brokenAfterMs } = watched();
  send();
  clock.advance(stallMs / 2);
  watch.end();
  redis.stream = { bytesRead: 0, destroy: redis.stream.destroy };
  watch.sent();
  clock.advance(0.9 * stallMs);
  expect(brokenAfterMs()).toEqual([]);
  clock.advance(0.2 * stallMs);
  expect(brokenAfterMs()).toHaveLength(1);
});
