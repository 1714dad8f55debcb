import * as fc from 'fast-check';
import { RedisUnavailable, UnknownOutcome, type RedisLink } from '@sluice/redis';
import { batchAt } from '@sluice/test/support/batches';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { AppendCalls } from '../test/append-calls';
import { partitionKeys, type PartitionRef } from './keys';
import { Leadership, LeadershipLost, type LeadReply } from './leadership';
import { PartitionStore } from './partition-store';

const fenced = (leadership: number) => ({ refused: 'fenced-leader', leadership });

let redis: RedisLink;
let store: PartitionStore;
let appends: AppendCalls;
let partitions = 0;

beforeAll(async () => {
  redis = await connectLink(await sharedRedis());
  store = new PartitionStore(redis);
  appends = new AppendCalls(redis);
});

afterAll(async () => {
  await redis.close();
  await (await sharedRedis()).stop();
});

async function newPartition(): Promise<PartitionRef> {
  const ref = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: partitions++ };
  await store.initPartition(ref);
  return ref;
}

const append = (ref: PartitionRef, leadership: number) =>
  appends.append(ref, leadership, [batchAt(1, 2)]);

/** `<epoch> <first offset>` of each leader epoch, by what is told of every offset up to the end. */
async function epochsOf(ref: PartitionRef): Promise<number[]> {
  const { leaderEpochs, logEndOffset } = (await store.bounds(ref))!;
  return Array.from({ length: logEndOffset }, (_, offset) => leaderEpochs.at(offset));
}

describe('a claim', () => {
  it('is the first of a fresh partition, and begins no epoch', async () => {
    const ref = await newPartition();
    const { bounds } = (await store.lead(ref, 0)) as { bounds: object };
    expect(bounds).toEqual(await store.bounds(ref));
    expect(bounds).toMatchObject({ leaderEpoch: 0, logStartOffset: 0, logEndOffset: 0 });
  });

  it('begins an epoch at the log end, and answers as the bounds do', async () => {
    const ref = await newPartition();
    await append(ref, -1);
    const first = (await store.lead(ref, 0)) as { bounds: object };
    expect(first.bounds).toEqual(await store.bounds(ref));
    expect(first.bounds).toMatchObject({ leaderEpoch: 1, logEndOffset: 2 });
    await append(ref, 0);
    await store.lead(ref, 7);
    await append(ref, 7);
    expect(await epochsOf(ref)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('is only answered where it is there already', async () => {
    const ref = await newPartition();
    const replies = [await store.lead(ref, 3), await store.lead(ref, 3), await store.lead(ref, 3)];
    expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1);
  });

  it('is refused where a later one is there, which is told', async () => {
    const ref = await newPartition();
    await store.lead(ref, 3);
    const before = await store.bounds(ref);
    expect(await store.lead(ref, 2)).toEqual(fenced(3));
    expect(await store.bounds(ref)).toEqual(before);
  });

  it('of a partition that is not there is refused, and makes nothing', async () => {
    const ref = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 };
    expect(await store.lead(ref, 0)).toEqual({ refused: 'unknown-partition' });
    expect(await redis.read.exists(partitionKeys(redis.keyPrefix, ref).meta)).toBe(0);
  });

  it('keeps no epochs in which nothing was written', async () => {
    const ref = await newPartition();
    await append(ref, -1);
    for (let leadership = 1; leadership <= 100; leadership++) await store.lead(ref, leadership);
    await append(ref, 100);
    const { meta } = partitionKeys(redis.keyPrefix, ref);
    expect(await redis.read.hget(meta, 'epochs')).toBe('0 0 100 2');
    expect(await epochsOf(ref)).toEqual([0, 0, 100, 100]);
  });

  it('is told to those who wait for the partition', async () => {
    const ref = await newPartition();
    const heard: string[] = [];
    const stop = await redis.subscribe(
      partitionKeys(redis.keyPrefix, ref).wake,
      (message) => heard.push(message),
      { onResubscribed: () => {} },
    );
    await store.lead(ref, 0);
    await store.lead(ref, 1);
    await store.lead(ref, 1);
    await append(ref, 1);
    await until(() => heard.length >= 2);
    expect(heard).toEqual(['0 0 0 1', '2 0 2 1']);
    await stop();
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

interface Step {
  do: 'claim' | 'append';
  leadership: number;
}

const steps = fc.array(
  fc.record<Step>({
    do: fc.constantFrom('claim', 'append'),
    leadership: fc.integer({ min: -1, max: 5 }),
  }),
  { maxLength: 40 },
);

/** Claims and appends as the script does, and as a model of it. */
async function runSteps(all: readonly Step[]): Promise<void> {
  const ref = await newPartition();
  let current = -1;
  let epoch = 0;
  const epochs: number[] = [];
  for (const { do: what, leadership } of all) {
    if (what === 'append') {
      const isTaken = leadership === -1 || leadership === current;
      const reply = await append(ref, leadership);
      expect('results' in reply).toBe(isTaken);
      if (isTaken) epochs.push(epoch, epoch);
    } else if (leadership >= 0) {
      const reply = await store.lead(ref, leadership);
      expect('bounds' in reply).toBe(leadership >= current);
      if (leadership > current && (leadership > 0 || epochs.length > 0)) epoch++;
      current = Math.max(current, leadership);
    }
    const bounds = (await store.bounds(ref))!;
    expect([bounds.leaderEpoch, bounds.logEndOffset]).toEqual([epoch, epochs.length]);
  }
  expect(await epochsOf(ref)).toEqual(epochs);
}

it('claims and appends, in any order, come to what the model says', async () => {
  await fc.assert(fc.asyncProperty(steps, runSteps), { numRuns: 60 });
});

/** A leadership whose claims end as the test says. */
function heldLeadership() {
  const claims: { resolve: (reply: LeadReply) => void; reject: (error: Error) => void }[] = [];
  const lost: number[] = [];
  const leadership = new Leadership({
    number: 2,
    claim: () => new Promise((resolve, reject) => void claims.push({ resolve, reject })),
    onLost: (known) => lost.push(known),
  });
  return { leadership, claims, lost };
}

describe('a leadership', () => {
  const bounds = { logEndOffset: 5 } as never;

  it('is claimed once for all who wait for it', async () => {
    const { leadership, claims } = heldLeadership();
    const waiting = [leadership.claim(), leadership.claim()];
    claims[0]!.resolve({ bounds });
    expect(await Promise.all(waiting)).toEqual([bounds, bounds]);
    expect([claims.length, leadership.isOpen, leadership.isClaimed]).toEqual([1, false, true]);
  });

  it('is lost, and that is told once, where a later one is known', async () => {
    const { leadership, claims, lost } = heldLeadership();
    const waiting = leadership.claim();
    claims[0]!.resolve({ refused: 'fenced-leader', leadership: 9 });
    await expect(waiting).rejects.toThrow(LeadershipLost);
    await expect(leadership.claim()).rejects.toThrow(LeadershipLost);
    expect([lost, claims.length, leadership.isOver]).toEqual([[9], 1, true]);
  });

  it('is to be claimed again when Redis may have lost that, and one that is out, too', async () => {
    const { leadership, claims } = heldLeadership();
    const waiting = leadership.claim();
    leadership.renew();
    claims[0]!.resolve({ bounds });
    await waiting;
    expect(leadership.isOpen).toBe(true);
    void leadership.claim();
    claims[1]!.resolve({ bounds });
    await until(() => leadership.isClaimed);
    leadership.renew();
    expect(leadership.isOpen).toBe(true);
  });

  it('stays to be claimed where nobody knows what became of a claim', async () => {
    const { leadership, claims } = heldLeadership();
    const waiting = leadership.claim();
    claims[0]!.reject(new UnknownOutcome('log/lead'));
    await expect(waiting).rejects.toThrow(RedisUnavailable);
    expect(leadership.isOpen).toBe(true);
  });

  it('that has ended is not lost any more', async () => {
    const { leadership, claims, lost } = heldLeadership();
    const waiting = leadership.claim();
    leadership.end();
    claims[0]!.resolve({ refused: 'fenced-leader', leadership: 9 });
    await expect(waiting).rejects.toThrow(LeadershipLost);
    expect([lost, leadership.isOver, leadership.isClaimed]).toEqual([[], true, false]);
  });
});
