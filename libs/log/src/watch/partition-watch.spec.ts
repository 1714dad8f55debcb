import { FakeClock } from '@sluice/test/support/fake-clock';
import type { PartitionBounds } from '../bounds';
import { partitionLimits } from '../partition-limits';
import { LeaderEpochs } from '../recovery/epochs';
import { PartitionWatch } from './partition-watch';
import { bothWakeUps, readWakeUp } from './wake-up';

function boundsUpTo(logEndOffset: number, changes: Partial<PartitionBounds> = {}): PartitionBounds {
  return {
    logStartOffset: 0,
    logEndOffset,
    highWatermark: logEndOffset,
    lastStableOffset: logEndOffset,
    bytes: 100,
    batches: 1,
    largestBatchBytes: 100,
    maxTimestampMs: 1,
    leaderEpoch: 0,
    leaderEpochs: LeaderEpochs.first,
    ...changes,
  };
}

/** A watch whose answers and messages come when the test gives them. */
class WatchBench {
  readonly clock = new FakeClock();
  readonly asked: ((bounds: PartitionBounds | null) => void)[] = [];
  hear: (message: string) => void = () => {};
  miss: () => void = () => {};
  confirm: () => void = () => {};
  deny: (error: Error) => void = () => {};
  subscriptions = 0;
  isAppending = false;
  setBacks = 0;
  readonly starts: number[] = [];
  /** Log ends that were seen to be unconfirmed. */
  readonly tails: number[] = [];
  /** Log ends that it wants to have confirmed before it tells of them. */
  readonly settles: number[] = [];
  endSettling: () => void = () => {};
  readonly watch: PartitionWatch;

  constructor() {
    this.watch = new PartitionWatch({
      source: {
        bounds: () => new Promise((resolve) => void this.asked.push(resolve)),
        subscribe: (listener, onMissed) => {
          this.subscriptions++;
          this.hear = listener;
          this.miss = onMissed;
          return new Promise((resolve, reject) => {
            this.confirm = () =>
              resolve(() => {
                this.subscriptions--;
                return Promise.resolve();
              });
            this.deny = reject;
          });
        },
      },
      clock: this.clock,
      limits: partitionLimits,
      isAppending: () => this.isAppending,
      onSetBack: () => this.setBacks++,
      onTrimmed: (logStartOffset) => void this.starts.push(logStartOffset),
      onUnconfirmed: ({ logEndOffset }) => void this.tails.push(logEndOffset),
      settle: (upTo) => {
        this.settles.push(upTo);
        return new Promise((resolve) => (this.endSettling = resolve));
      },
    });
  }

  /** Answers the oldest question. */
  async answer(bounds: PartitionBounds | null): Promise<void> {
    this.asked.shift()!(bounds);
    await settled();
  }

  /** Has it know these bounds, and a confirmed subscription. */
  async follow(bounds: PartitionBounds): Promise<void> {
    this.watch.onChange(() => {});
    this.confirm();
    await settled();
    await this.answer(bounds);
  }

  async end(): Promise<number | undefined> {
    return (await this.watch.current())?.logEndOffset;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a wake-up', () => {
  it('tells all ends and the epoch, or that of an older version the log end', () => {
    const ends = { logEndOffset: 9, logStartOffset: 2, lastStableOffset: 7 };
    const whole = { ...ends, highWatermark: 9, leaderEpoch: 3 };
    expect(readWakeUp('9 2 7 3')).toEqual(whole);
    expect(readWakeUp('9 2 7 3 8')).toEqual({ ...whole, highWatermark: 8 });
    expect(readWakeUp('9 2 7 3 8 11')).toEqual({ ...whole, highWatermark: 8 });
    const nothing = { logStartOffset: null, lastStableOffset: null, leaderEpoch: null };
    expect(readWakeUp('9')).toEqual({ logEndOffset: 9, highWatermark: 9, ...nothing });
    expect([readWakeUp('end'), readWakeUp(''), readWakeUp('9 -1')]).toEqual([null, null, null]);
  });

  it('adds to another whichever came first, and gives way to one of a newer epoch', () => {
    const [one, other] = [readWakeUp('9 2 7 3')!, readWakeUp('8 4 8 3')!];
    const ends = { logEndOffset: 9, logStartOffset: 4, lastStableOffset: 8 };
    const both = { ...ends, highWatermark: 9, leaderEpoch: 3 };
    expect([bothWakeUps(one, other), bothWakeUps(other, one)]).toEqual([both, both]);
    const newer = readWakeUp('5 0 5 4')!;
    expect([bothWakeUps(one, newer), bothWakeUps(newer, one)]).toEqual([newer, newer]);
    expect(bothWakeUps(readWakeUp('12')!, one)).toEqual({
      ...one,
      logEndOffset: 12,
      highWatermark: 12,
    });
    const [held, confirmed] = [readWakeUp('9 2 5 3 5')!, readWakeUp('8 2 7 3 7')!];
    expect(bothWakeUps(held, confirmed)).toMatchObject({ logEndOffset: 9, highWatermark: 7 });
  });
});

describe('PartitionWatch', () => {
  it('knows what others append as soon as they say so, without asking', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5));
    bench.hear('7 2 6 0');
    expect(await bench.watch.current()).toMatchObject({
      logEndOffset: 7,
      logStartOffset: 2,
      lastStableOffset: 6,
    });
    bench.clock.advance(60_000);
    expect(await bench.end()).toBe(7);
    expect(bench.asked).toEqual([]);
  });

  it('gives readers what is confirmed, whoever says so, and tells of what is not', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5));
    const watermark = async () => {
      const { highWatermark, lastStableOffset } = (await bench.watch.current())!;
      expect(lastStableOffset).toBe(highWatermark);
      return highWatermark;
    };
    bench.watch.appended(0, 7, true);
    expect([await bench.end(), await watermark(), bench.tails]).toEqual([7, 5, [7]]);
    bench.hear('9 0 6 0 6');
    expect([await bench.end(), await watermark(), bench.tails]).toEqual([9, 6, [7, 9]]);
    const { changeCount } = bench.watch;
    bench.watch.confirmed(7);
    bench.watch.confirmed(6);
    expect([await watermark(), bench.watch.changeCount]).toEqual([7, changeCount + 1]);
    // Redis was not told yet.
    const asking = bench.watch.refresh();
    await bench.answer(boundsUpTo(9, { highWatermark: 6, lastStableOffset: 6 }));
    expect((await asking)!.highWatermark).toBe(7);
    bench.hear('9 0 9 0');
    expect(await watermark()).toBe(9);
    // Of another history nothing is known but what this process has confirmed.
    bench.watch.invalidate();
    const again = bench.watch.refresh();
    await bench.answer(boundsUpTo(9, { highWatermark: 4, lastStableOffset: 4 }));
    bench.endSettling();
    expect((await again)!.highWatermark).toBe(7);
  });

  it('tells of each higher log start, whoever has said so', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5, { logStartOffset: 1 }));
    bench.hear('5 2 5 0');
    bench.hear('6 2 6 0');
    bench.watch.appended(3, 7);
    const asked = bench.watch.refresh();
    await bench.answer(boundsUpTo(7, { logStartOffset: 4 }));
    await asked;
    expect(bench.starts).toEqual([1, 2, 3, 4]);
  });

  it('trusts what it knows only while it hears everything, or for a moment', async () => {
    const bench = new WatchBench();
    const first = bench.end();
    await bench.answer(boundsUpTo(5));
    expect(await first).toBe(5);
    // Not confirmed yet.
    bench.watch.onChange(() => {});
    bench.clock.advance(partitionLimits.boundsFreshMs + 1);
    const second = bench.end();
    await bench.answer(boundsUpTo(6));
    expect(await second).toBe(6);
    bench.confirm();
    await settled();
    // What was published before that was missed.
    await bench.answer(boundsUpTo(8));
    bench.clock.advance(60_000);
    expect(await bench.end()).toBe(8);
    bench.miss();
    await bench.answer(boundsUpTo(9));
    expect(await bench.end()).toBe(9);
  });

  it('drops nothing that others say while an append of its own is out', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5));
    let told = 0;
    bench.watch.onChange(() => told++);
    bench.isAppending = true;
    bench.hear('8 0 8 0');
    expect([await bench.end(), told]).toEqual([5, 0]);
    bench.isAppending = false;
    bench.watch.appended(0, 6);
    expect([await bench.end(), told]).toEqual([8, 1]);
    bench.isAppending = true;
    bench.hear('9 0 9 0');
    bench.isAppending = false;
    bench.watch.appendFailed({ isGone: false });
    expect([await bench.end(), told]).toEqual([9, 2]);
  });

  it('drops nothing that is said before it knows any bounds', async () => {
    const bench = new WatchBench();
    bench.watch.onChange(() => {});
    const asking = bench.end();
    bench.hear('7 1 7 0');
    bench.watch.appended(0, 8);
    await bench.answer(boundsUpTo(5));
    expect(await asking).toBe(8);
    expect(bench.watch.changeCount).toBeGreaterThan(0);
  });

  it('takes an answer for old where something was said since it was asked', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5));
    const asking = bench.watch.refresh();
    bench.hear('7 0 7 0');
    await bench.answer(boundsUpTo(6, { bytes: 600 }));
    expect(await asking).toMatchObject({ logEndOffset: 7, bytes: 600 });
    expect(bench.setBacks).toBe(0);
    // Nothing was said: Redis has less, whatever the reason.
    const again = bench.watch.refresh();
    await bench.answer(boundsUpTo(6));
    expect(await again).toMatchObject({ logEndOffset: 6 });
    expect(bench.setBacks).toBe(1);
  });

  it('does not take what was asked of another history', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5));
    const asking = bench.watch.refresh();
    bench.watch.invalidate();
    await bench.answer(boundsUpTo(9));
    await bench.answer(boundsUpTo(4));
    expect(await asking).toMatchObject({ logEndOffset: 4 });
  });

  it('keeps what it has confirmed, though Redis has lost that, or has a new epoch', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5));
    bench.watch.appended(0, 7, true);
    bench.watch.confirmed(7);
    const lost = boundsUpTo(7, { highWatermark: 5, lastStableOffset: 5, leaderEpoch: 1 });
    const known = { logEndOffset: 7, highWatermark: 7, lastStableOffset: 7 };
    const asking = bench.watch.refresh();
    await bench.answer(lost);
    expect(await asking).toMatchObject(known);
    bench.watch.invalidate();
    const again = bench.watch.current();
    await bench.answer(lost);
    expect(await again).toMatchObject(known);
    bench.hear('8 0 5 2 5');
    expect(await bench.watch.current()).toMatchObject({ ...known, logEndOffset: 8 });
    expect(bench.settles).toEqual([]);
  });

  it('has the end settled of which nothing was known before, and tells nobody less', async () => {
    const bench = new WatchBench();
    const unconfirmed = { highWatermark: 5, lastStableOffset: 5 };
    const [first, second] = [bench.watch.current(), bench.watch.refresh()];
    await bench.answer(boundsUpTo(7, unconfirmed));
    await bench.answer(boundsUpTo(7, unconfirmed));
    const third = bench.watch.current();
    expect(bench.settles).toEqual([7]);
    bench.watch.confirmed(7);
    bench.endSettling();
    for (const one of [first, second, third]) {
      expect(await one).toMatchObject({ logEndOffset: 7, highWatermark: 7 });
    }
    // What comes now this process sees being written, and hears being confirmed.
    const later = bench.watch.refresh();
    await bench.answer(boundsUpTo(9, { ...unconfirmed, highWatermark: 7 }));
    expect(await later).toMatchObject({ logEndOffset: 9, highWatermark: 7 });
    expect(bench.settles).toEqual([7]);
  });

  it('begins anew with a new epoch, and passes over what an old one says', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(9, { leaderEpoch: 1 }));
    bench.hear('7 0 7 2');
    expect(await bench.watch.current()).toMatchObject({ logEndOffset: 7, leaderEpoch: 2 });
    bench.hear('12 0 12 1');
    expect(await bench.end()).toBe(7);
    expect(bench.setBacks).toBe(1);
  });

  it('finds out by asking where it may not listen', async () => {
    const bench = new WatchBench();
    bench.watch.onChange(() => {});
    bench.deny(new Error('NOPERM'));
    await settled();
    let told = 0;
    bench.watch.onChange(() => told++);
    expect(bench.subscriptions).toBe(1);
    const take = bench.watch.expectBounds();
    take(boundsUpTo(3));
    expect(told).toBe(1);
    bench.clock.advance(partitionLimits.boundsFreshMs + 1);
    const asking = bench.end();
    await bench.answer(boundsUpTo(4));
    expect(await asking).toBe(4);
  });

  it('ends its subscription, and tells those who wait', async () => {
    const bench = new WatchBench();
    await bench.follow(boundsUpTo(5));
    let told = 0;
    bench.watch.onChange(() => told++);
    bench.watch.close();
    await settled();
    expect([bench.subscriptions, told]).toEqual([0, 1]);
    bench.watch.onChange(() => {});
    expect(bench.subscriptions).toBe(0);
    const asking = bench.end();
    await bench.answer(boundsUpTo(6));
    expect(await asking).toBe(6);
    bench.watch.drop();
    expect(await bench.end()).toBeUndefined();
  });
});
