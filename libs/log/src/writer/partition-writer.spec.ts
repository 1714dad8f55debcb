import type { Logger } from '@sluice/base';
import { confirmationsOf } from '../configs/confirmation';
import { partitionLimits } from '../partition-limits';
import type { AppendBatch, AppendReply, AppendResult } from './append-call';
import type { AppendLanes, Asked } from './lanes';
import { nobodyConfirms } from './partition-confirmer';
import { PartitionWriter, type AppendOutcome } from './partition-writer';
import { NotEnoughReplicas } from './replication';

const MiB = 1024 * 1024;

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

/** What acks=all asks for, by the number of replicas. */
const ask = (copies: number): Asked => confirmationsOf(copies + 1, 'none')?.awaited ?? null;

interface Call {
  sizes: number[];
  copies: number;
  /** How far the log was told to be confirmed. */
  confirmed: number;
  answer: (results?: AppendResult[]) => void;
  fail: (error: Error) => void;
  confirm: (error?: Error) => void;
  /** Whether its confirmation was asked for. */
  confirming: boolean;
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  return { promise, resolve, reject };
}

/** Lanes whose calls are answered by hand. */
class HeldLanes implements AppendLanes {
  readonly isOpen = true;
  readonly calls: Call[] = [];
  readonly readies: { copies: number; pass: () => void; fail: (error: Error) => void }[] = [];
  private logEndOffset = 0;

  ready(asked: Asked): Promise<void> {
    const copies = asked?.copies ?? 0;
    return new Promise((pass, fail) => void this.readies.push({ copies, pass, fail }));
  }

  send(batches: readonly AppendBatch[], asked: Asked, upTo: number) {
    const copies = asked?.isAwaited ? asked.copies : 0;
    const replied = deferred<AppendReply>();
    const confirmed = deferred<void>();
    const answer = (given?: AppendResult[]) => {
      const results = given ?? batches.map(() => this.appended());
      const { logEndOffset } = this;
      replied.resolve({ results, logStartOffset: 0, logEndOffset, leaderEpoch: 0 });
    };
    const call: Call = {
      sizes: batches.map(({ bytes }) => bytes.length),
      copies,
      confirmed: upTo,
      answer,
      fail: replied.reject,
      confirm: (error) => (error ? confirmed.reject(error) : confirmed.resolve(undefined)),
      confirming: false,
    };
    this.calls.push(call);
    const confirm = () => {
      call.confirming = true;
      return confirmed.promise;
    };
    return { reply: replied.promise, confirm: copies > 0 ? confirm : null };
  }

  missed(): Promise<void> {
    return Promise.resolve();
  }

  private appended(): AppendResult {
    return { kind: 'appended', baseOffset: this.logEndOffset++ };
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function heldWriter(more: { isGathered?: boolean } = {}) {
  const lanes = new HeldLanes();
  const lines: string[] = [];
  const troubles: unknown[] = [];
  const line = (message: string) => void lines.push(message);
  const log: Logger = { debug: line, info: line, warn: line, error: line };
  const writer = new PartitionWriter({
    lanes,
    limits: partitionLimits,
    log,
    trouble: { note: (fields) => void troubles.push(fields) },
    onReply: () => {},
    confirmer: nobodyConfirms,
    ...more,
  });
  const append = (copies = 0, size?: number): Promise<AppendOutcome> =>
    new Promise((resolve, reject) => {
      writer.append(batch(size), ask(copies), (outcome, error) => {
        if (outcome) resolve(outcome);
        else reject(error as Error);
      });
    });
  return { lanes, writer, append, lines, troubles };
}

describe('PartitionWriter', () => {
  it('sends in one call what has gathered while the last was out, in order', async () => {
    const { lanes, writer, append } = heldWriter();
    const first = append(0, 1);
    await turn();
    const rest = [2, 3, 4].map((size) => append(0, size));
    await turn();
    expect(lanes.calls.map(({ sizes }) => sizes)).toEqual([[1]]);
    lanes.calls[0]!.answer();
    await first;
    await turn();
    expect(lanes.calls.map(({ sizes }) => sizes)).toEqual([[1], [2, 3, 4]]);
    lanes.calls[1]!.answer();
    const offsets = (await Promise.all(rest)).map((outcome) =>
      'result' in outcome && outcome.result.kind === 'appended' ? outcome.result.baseOffset : null,
    );
    expect(offsets).toEqual([1, 2, 3]);
    expect(writer.busy).toBe(false);
  });

  it('sends at once what was gathered by who appends, one call after the other', async () => {
    const { lanes, append } = heldWriter({ isGathered: true });
    const sent = [append(0, 1), append(0, 2), append(0, 3)];
    expect(lanes.calls.map(({ sizes }) => sizes)).toEqual([[1]]);
    lanes.calls[0]!.answer();
    await sent[0];
    expect(lanes.calls.map(({ sizes }) => sizes)).toEqual([[1], [2, 3]]);
    lanes.calls[1]!.answer();
    await Promise.all(sent);
  });

  it('bounds the bytes of a call, but sends at least one batch', async () => {
    const { lanes, append } = heldWriter();
    const all = [3 * MiB, 3 * MiB, 9 * MiB].map((size) => append(0, size));
    for (let n = 0; n < 3; n++) {
      await turn();
      lanes.calls[n]!.answer();
      await all[n];
    }
    expect(lanes.calls.map(({ sizes }) => sizes)).toEqual([[3 * MiB], [3 * MiB], [9 * MiB]]);
  });

  it('tells everyone of a failed call, and goes on with the next', async () => {
    const { lanes, append, troubles } = heldWriter();
    const failing = [append(), append()];
    await turn();
    lanes.calls[0]!.fail(new Error('lost'));
    const outcomes = await Promise.allSettled(failing);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(troubles).toEqual([{ error: 'lost' }]);
    const next = append();
    await turn();
    lanes.calls[1]!.answer();
    await expect(next).resolves.toMatchObject({ result: { kind: 'appended' } });
  });

  it('answers only when confirmed, while the next append call is already out', async () => {
    const { lanes, writer, append } = heldWriter();
    let answered = false;
    const first = append(1).then(() => (answered = true));
    await turn();
    lanes.readies[0]!.pass();
    await turn();
    lanes.calls[0]!.answer();
    await turn();
    const second = append(0);
    await turn();
    expect([answered, lanes.calls.length, writer.busy]).toEqual([false, 2, true]);
    lanes.calls[1]!.answer();
    await second;
    expect(answered).toBe(false);
    lanes.calls[0]!.confirm();
    await first;
  });

  it('keeps one line for all numbers of copies, and asks for replicas inside it', async () => {
    const { lanes, append } = heldWriter();
    const all = [append(1, 1), append(1, 2), append(0, 3), append(2, 4), append(0, 5)];
    const order: number[] = [];
    all.forEach((one, index) => void one.then(() => order.push(index)));
    await turn();
    // While the replicas are counted, nothing overtakes.
    expect([lanes.readies.map(({ copies }) => copies), lanes.calls]).toEqual([[1], []]);
    lanes.readies[0]!.pass();
    await turn();
    for (let n = 0; n < 4; n++) {
      expect(lanes.calls).toHaveLength(n + 1);
      lanes.calls[n]!.answer();
      lanes.calls[n]!.confirm();
      await turn();
      lanes.readies[n + 1]?.pass();
      await turn();
      if (n === 1) lanes.readies[1]!.pass();
      await turn();
    }
    await Promise.all(all);
    expect(lanes.calls.map(({ sizes, copies }) => [copies, ...sizes])).toEqual([
      [1, 1, 2],
      [0, 3],
      [2, 4],
      [0, 5],
    ]);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('sends nothing that has too few replicas, and goes on', async () => {
    const { lanes, append } = heldWriter();
    const refused = append(1);
    const next = append(0);
    await turn();
    lanes.readies[0]!.fail(new NotEnoughReplicas('none'));
    await expect(refused).rejects.toThrow('none');
    await turn();
    expect(lanes.calls.map(({ copies }) => copies)).toEqual([0]);
    lanes.calls[0]!.answer();
    await next;
  });

  it('has duplicates confirmed too, but asks nobody to confirm what is not there', async () => {
    const { lanes, append } = heldWriter();
    const sendOne = async (result: AppendResult): Promise<[Promise<AppendOutcome>, Call]> => {
      const outcome = append(1);
      await turn();
      lanes.readies.at(-1)!.pass();
      await turn();
      const call = lanes.calls.at(-1)!;
      call.answer([result]);
      await turn();
      return [outcome, call];
    };
    const [known, first] = await sendOne({ kind: 'duplicate', baseOffset: 3, maxTimestampMs: 1 });
    expect(first.confirming).toBe(true);
    first.confirm(new Error('too few'));
    await expect(known).rejects.toThrow('too few');
    const [late, second] = await sendOne({ kind: 'out-of-order', expected: 7 });
    expect(second.confirming).toBe(false);
    await expect(late).resolves.toMatchObject({ result: { kind: 'out-of-order' } });
  });

  it('tells each once, though one throws', async () => {
    const { lanes, writer, lines } = heldWriter();
    const told: string[] = [];
    const done = (name: string) => (outcome: AppendOutcome | null) => {
      told.push(`${name} ${outcome === null ? 'failed' : 'done'}`);
      if (name === 'b') throw new Error('out of order');
    };
    for (const name of ['a', 'b', 'c']) writer.append(batch(), null, done(name));
    await turn();
    lanes.calls[0]!.answer();
    await turn();
    expect(told).toEqual(['a done', 'b done', 'c done']);
    for (const name of ['a', 'b', 'c']) writer.append(batch(), null, done(name));
    await turn();
    lanes.calls[1]!.fail(new Error('lost'));
    await turn();
    expect(told.slice(3)).toEqual(['a failed', 'b failed', 'c failed']);
    expect(lines).toHaveLength(2);
    expect(writer.busy).toBe(false);
  });

  it('refuses what was not sent when its leadership is over', async () => {
    const { lanes, writer, append } = heldWriter();
    const sent = append();
    await turn();
    const waiting = append();
    writer.close();
    await expect(waiting).resolves.toEqual({ refused: 'fenced-leader' });
    await expect(append()).resolves.toEqual({ refused: 'fenced-leader' });
    lanes.calls[0]!.answer();
    await expect(sent).resolves.toMatchObject({ result: { kind: 'appended' } });
    await turn();
    expect(lanes.calls).toHaveLength(1);
  });
});
