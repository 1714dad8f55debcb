import { AppendLines } from './append-lines';

const connection = {};
const partition = {};

/** A promise, and what settles it. */
function later<T>() {
  let settle!: { resolve: (value: T) => void; reject: (error: unknown) => void };
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle };
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('AppendLines', () => {
  it('keeps the order of arrival, whatever is ready first', async () => {
    const lines = new AppendLines();
    const seen: string[] = [];
    const enter = (ready: string | Promise<string>) =>
      lines.enter(
        { connection, partition },
        ready,
        (value) => seen.push(value),
        (error) => seen.push(String(error)),
      );
    const slow = later<string>();
    const failing = later<string>();
    const quick = later<string>();
    expect(lines.isFree(connection, partition)).toBe(true);
    enter(slow.promise);
    expect(lines.isFree(connection, partition)).toBe(false);
    enter(failing.promise);
    enter('at once');
    enter(quick.promise);
    quick.resolve('quick');
    failing.reject('refused');
    await turns();
    expect(seen).toEqual([]);
    slow.resolve('slow');
    await turns();
    expect(seen).toEqual(['slow', 'refused', 'at once', 'quick']);
    expect(lines.isFree(connection, partition)).toBe(true);
  });

  it('lets other partitions and other connections pass', async () => {
    const lines = new AppendLines();
    const seen: string[] = [];
    const fail = () => seen.push('failed');
    const never = later<string>();
    lines.enter({ connection, partition }, never.promise, (value) => seen.push(value), fail);
    for (const key of [
      { connection, partition: {} },
      { connection: {}, partition },
    ]) {
      expect(lines.isFree(key.connection, key.partition)).toBe(true);
      lines.enter(key, Promise.resolve('passed'), (value) => seen.push(value), fail);
    }
    await turns();
    expect(seen).toEqual(['passed', 'passed']);
  });

  it('takes one who enters during the turn of the last', async () => {
    const lines = new AppendLines();
    const seen: string[] = [];
    const key = { connection, partition };
    const fail = () => seen.push('failed');
    const first = later<string>();
    const again = (value: string) => {
      seen.push(value);
      if (seen.length < 3) lines.enter(key, `${value}!`, again, fail);
    };
    lines.enter(key, first.promise, again, fail);
    first.resolve('one');
    await turns();
    expect(seen).toEqual(['one', 'one!', 'one!!']);
    expect(lines.isFree(key.connection, key.partition)).toBe(true);
  });
});
