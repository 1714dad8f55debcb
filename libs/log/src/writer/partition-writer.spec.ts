import type { AppendBatch, AppendReply, PartitionStore } from '@sluice/log';
import type { Redis } from '@sluice/redis';
import { Appender, type AppendLane, type AppendOutcome } from './appender';

const ref = { topic: 'orders', topicId: 'x', partition: 0 };

function batch(size = 10): AppendBatch {
  return {
    bytes: Buffer.alloc(size),
    lastOffsetDelta: 0,
    maxTimestampMs: 1,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
  };
}

/** A store whose calls are answered by hand. */
function heldStore() {
  const calls: { sizes: number[]; answer: () => void; fail: (error: Error) => void }[] = [];
  let logEndOffset = 0;
  const append = (_ref: unknown, _epoch: number, batches: AppendBatch[]) =>
    new Promise<AppendReply>((resolve, reject) => {
      const answer = () => {
        const results = batches.map(() => {
          return { kind: 'appended' as const, baseOffset: logEndOffset++ };
        });
        resolve({ results, logStartOffset: 0, logEndOffset });
      };
      calls.push({ sizes: batches.map(({ bytes }) => bytes.length), answer, fail: reject });
    });
  return { calls, store: { append } as unknown as PartitionStore };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function appender(store: PartitionStore, lane: Partial<AppendLane> = {}) {
  const connection = { stream: {} } as unknown as Redis;
  return new Appender(store, ref, 0, { connection, ...lane }, () => {});
}

function append(to: Appender, bytes?: AppendBatch): Promise<AppendOutcome> {
  return new Promise((resolve, reject) => {
    to.append(bytes ?? batch(), (outcome, error) => {
      if (outcome) resolve(outcome);
      else reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

describe('Appender', () => {
  it('sends in one call what has gathered while the last was out, in order', async () => {
    const { calls, store } = heldStore();
    const one = appender(store);
    const first = append(one, batch(1));
    await turn();
    const rest = [2, 3, 4].map((size) => append(one, batch(size)));
    await turn();
    expect(calls.map(({ sizes }) => sizes)).toEqual([[1]]);
    calls[0]!.answer();
    await first;
    await turn();
    expect(calls.map(({ sizes }) => sizes)).toEqual([[1], [2, 3, 4]]);
    calls[1]!.answer();
    const offsets = (await Promise.all(rest)).map((outcome) =>
      'result' in outcome && outcome.result.kind === 'appended' ? outcome.result.baseOffset : null,
    );
    expect(offsets).toEqual([1, 2, 3]);
    expect(one.busy).toBe(false);
  });

  it('bounds the bytes of a call, but sends at least one batch', async () => {
    const { calls, store } = heldStore();
    const one = appender(store);
    const MiB = 1024 * 1024;
    const all = [3 * MiB, 3 * MiB, 9 * MiB].map((size) => append(one, batch(size)));
    for (let n = 0; n < 3; n++) {
      await turn();
      calls[n]!.answer();
      await all[n];
    }
    expect(calls.map(({ sizes }) => sizes)).toEqual([[3 * MiB], [3 * MiB], [9 * MiB]]);
  });

  it('tells everyone of a failed call, and goes on with the next', async () => {
    const { calls, store } = heldStore();
    const one = appender(store);
    const failing = [append(one), append(one)];
    await turn();
    calls[0]!.fail(new Error('lost'));
    const outcomes = await Promise.allSettled(failing);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = append(one);
    await turn();
    calls[1]!.answer();
    await expect(next).resolves.toMatchObject({ result: { kind: 'appended' } });
  });

  it('answers only when confirmed, while the next append call is already out', async () => {
    const { calls, store } = heldStore();
    const confirms: (() => void)[] = [];
    const confirm = () => new Promise<void>((resolve) => confirms.push(resolve));
    const one = appender(store, { confirm });
    let answered = false;
    const first = append(one).then(() => (answered = true));
    await turn();
    calls[0]!.answer();
    await turn();
    const second = append(one);
    await turn();
    expect([answered, calls.length, one.busy]).toEqual([false, 2, true]);
    confirms[0]!();
    await first;
    calls[1]!.answer();
    await turn();
    confirms[1]!();
    await second;
  });

  it('tells the confirmation when the connection is no longer the same', async () => {
    const { calls, store } = heldStore();
    const connection = { stream: {} };
    const seen: boolean[] = [];
    const confirm = (sameConnection: () => boolean) => {
      seen.push(sameConnection());
      return Promise.resolve();
    };
    const one = appender(store, { connection: connection as unknown as Redis, confirm });
    const first = append(one);
    await turn();
    calls[0]!.answer();
    await first;
    const second = append(one);
    await turn();
    Object.assign(connection, { stream: {} });
    calls[1]!.answer();
    await second;
    expect(seen).toEqual([true, false]);
  });
});
