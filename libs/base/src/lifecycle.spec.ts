import { EventEmitter, once } from 'node:events';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { Lifecycle, StartGivenUp, type Part } from './lifecycle';
import { baseLimits } from './limits';
import { silentLogger } from './logger';

let clock: FakeClock;
let lines: string[];
let events: string[];
let lifecycle: Lifecycle;

beforeEach(() => {
  clock = new FakeClock();
  [lines, events] = [[], []];
  const log = { ...silentLogger, error: (message: string) => void lines.push(message) };
  lifecycle = new Lifecycle({ clock, log });
});

const part = (name: string, more: Partial<Part> = {}): Part => ({
  name,
  start: () => void events.push(`start ${name}`),
  stop: () => void events.push(`stop ${name}`),
  ...more,
});

const failing = (): never => {
  throw new Error('no');
};

test('parts start in the order in which they came, and stop the other way round', async () => {
  for (const name of ['one', 'two', 'three']) lifecycle.own(part(name));
  await lifecycle.start();
  await lifecycle.stop();
  expect(events).toEqual(
    ['start one', 'start two', 'start three', 'stop three', 'stop two', 'stop one'], //
  );
});

test.each([0, 1, 2])('when start %i fails, it and those before it are stopped', async (bad) => {
  const names = ['one', 'two', 'three'];
  names.forEach((name, at) => {
    lifecycle.own(part(name, at === bad ? { start: failing } : {}));
  });
  await expect(lifecycle.start()).rejects.toThrow('no');
  await lifecycle.stop();
  const stops = names.slice(0, bad + 1).toReversed();
  expect(events.filter((event) => event.startsWith('stop'))).toEqual(
    stops.map((name) => `stop ${name}`),
  );
});

test('a part that runs from the beginning is stopped even if nothing was started', async () => {
  lifecycle.own(part('connection', { start: undefined }));
  lifecycle.own(part('never begun'));
  await lifecycle.stop();
  expect(events).toEqual(['stop connection']);
});

test('a part that comes after the stop is stopped at once', async () => {
  await lifecycle.stop();
  lifecycle.own(part('late connection', { start: undefined }));
  await lifecycle.stop();
  expect(events).toEqual(['stop late connection']);
});

test('a part that has ended is let go: it is neither kept nor stopped', async () => {
  const letGo = lifecycle.own(part('connection', { start: undefined }));
  lifecycle.own(part('kept', { start: undefined }));
  const letGoUnstarted = lifecycle.own(part('never begun'));
  letGo();
  letGoUnstarted();
  await lifecycle.start();
  await lifecycle.stop();
  letGo();
  expect(events).toEqual(['stop kept']);
});

test('a part that ends while others are stopped is not stopped once more', async () => {
  const letGo = lifecycle.own(part('inner', { start: undefined }));
  lifecycle.own(part('outer', { start: undefined, stop: () => letGo() }));
  await lifecycle.stop();
  expect(events).toEqual([]);
});

test('a stop waits for the step that is under way, and no further one begins', async () => {
  const finished = new EventEmitter();
  const start = () => once(finished, 'now');
  lifecycle.own(part('slow', { start }));
  lifecycle.own(part('next'));
  const started = lifecycle.start();
  const stopped = lifecycle.stop();
  expect(events).toEqual([]);
  finished.emit('now');
  await expect(started).rejects.toBeInstanceOf(StartGivenUp);
  await stopped;
  expect(events).toEqual(['stop slow']);
});

test('a part that fails to stop, or never does, does not keep the others', async () => {
  lifecycle.own(part('first'));
  lifecycle.own(part('hanging', { stop: () => new Promise(() => {}) }));
  lifecycle.own(part('failing', { stop: failing }));
  await lifecycle.start();
  const stopped = lifecycle.stop();
  await clock.advanceAsync(baseLimits.partStopMsMax);
  await stopped;
  expect(events).toContain('stop first');
  expect(lines).toEqual(['failing could not be stopped', 'hanging did not stop in time']);
});

test('stopping again waits for the same stop', async () => {
  lifecycle.own(part('one'));
  await lifecycle.start();
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  expect(events).toEqual(['start one', 'stop one']);
});
