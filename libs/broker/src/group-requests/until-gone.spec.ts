import { untilGone } from './until-gone';

function deferred() {
  let reject!: (error: Error) => void;
  const promise = new Promise<number>((_, fail) => (reject = fail));
  return { promise, reject };
}

describe('untilGone', () => {
  test('gives the answer, or the failure, while the connection lasts', async () => {
    const { signal } = new AbortController();
    expect(await untilGone(signal, Promise.resolve(1), () => 2)).toBe(1);
    const failure = Promise.reject<number>(new Error('broken'));
    await expect(untilGone(signal, failure, () => 2)).rejects.toThrow('broken');
  });

  test('is cut short when it ends, even if the answer comes or fails later', async () => {
    const gone = new AbortController();
    const { promise: parked, reject: fail } = deferred();
    const waiting = untilGone(gone.signal, parked, () => 2);
    gone.abort();
    expect(await waiting).toBe(2);
    fail(new Error('too late'));
    expect(await untilGone(gone.signal, new Promise<number>(() => {}), () => 3)).toBe(3);
  });
});
