import { UnknownOutcome, type RedisLink } from '@sluice/redis';
import { appendAll } from '@sluice/test/support/appended';
import { batchAt } from '@sluice/test/support/batches';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { partitionKeys } from '../keys';
import { PartitionStore } from '../partition-store';
import { forgetScript } from './delivery-scripts';
import { PartitionDelivery } from './partition-delivery';

const ref = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 };
let redis: TestRedis;
let link: RedisLink;
let store: PartitionStore;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  store = new PartitionStore(link);
  await store.initPartition(ref);
});

function keys(): ReturnType<typeof partitionKeys> {
  return partitionKeys(link.keyPrefix, ref);
}

function ownedBy(member: string, epoch: number): PartitionDelivery {
  return new PartitionDelivery(link.write, keys(), { group: 'readers', member, epoch });
}

/** Batches of so many records each. */
function append(...counts: number[]): Promise<void> {
  const batches = counts.map((count) => batchAt(...Array.from({ length: count }, () => 1_000)));
  return appendAll(store, ref, batches);
}

/** Reads as a member does; the ids of what came. */
async function readNew(member: string, count = 100): Promise<string[]> {
  const reply = await link.write.xreadgroup(
    ...(['GROUP', 'readers', member, 'COUNT', count, 'STREAMS', keys().log, '>'] as const),
  );
  const rows = (reply as [string, [string, string[]][]][] | null) ?? [];
  return rows.flatMap(([, entries]) => entries.map(([id]) => id));
}

/** Ids that are pending, each with its consumer. */
async function pending(): Promise<Record<string, string>> {
  const rows = await link.write.xpending(keys().log, 'readers', '-', '+', 1_000);
  return Object.fromEntries((rows as [string, string][]).map(([id, consumer]) => [id, consumer]));
}

const atStart = { offset: 0, lineage: 7 };

describe('a claim', () => {
  it('is of the newest grant, and harmless when it is said again', async () => {
    await append(1, 2);
    const claimed = { progress: 0, logStartOffset: 0, logEndOffset: 3 };
    expect(await ownedBy('a', 2).claim(atStart)).toMatchObject(claimed);
    expect(await ownedBy('a', 2).claim(atStart)).toMatchObject(claimed);
    expect(await ownedBy('b', 1).claim(atStart)).toBe('fenced');
    expect(await ownedBy('b', 2).claim(atStart)).toBe('fenced');
    expect(await ownedBy('b', 3).claim(atStart)).toMatchObject(claimed);
    expect(await ownedBy('a', 2).acknowledge(1, [])).toBe('fenced');
    expect(await ownedBy('a', 2).take({ progress: 0, fromOffset: 0, entriesMax: 10 })).toBe(
      'fenced',
    );
    expect(await ownedBy('a', 2).seek(0)).toBe('fenced');
  });

  it('goes on at the progress where the lineage is the same, with what is pending', async () => {
    await append(1, 3);
    const first = ownedBy('a', 1);
    await first.claim(atStart);
    const ids = await readNew('a');
    expect(await first.acknowledge(2, ids.slice(0, 1))).toBe('acknowledged');
    expect(await ownedBy('b', 2).claim({ offset: 1, lineage: 7 })).toMatchObject({ progress: 2 });
    expect(Object.keys(await pending())).toEqual(ids.slice(1));
  });

  it('begins at the committed offset where that was set by another', async () => {
    await append(1, 1, 1);
    await ownedBy('a', 1).claim(atStart);
    await readNew('a');
    const second = ownedBy('b', 2);
    expect(await second.claim({ offset: 1, lineage: 8 })).toMatchObject({ progress: 1 });
    expect(await pending()).toEqual({});
    expect(await readNew('b')).toHaveLength(2);
  });

  it('stands at the log end where the committed offset lies beyond it', async () => {
    await append(2);
    expect(await ownedBy('a', 1).claim({ offset: 9, lineage: 7 })).toMatchObject({ progress: 2 });
    await append(1);
    expect(await readNew('a')).toHaveLength(1);
  });

  it('finds no partition, and leaves one of a newer version alone', async () => {
    await link.write.hset(keys().delivery, 'format', '2');
    await expect(ownedBy('a', 1).claim(atStart)).rejects.toThrow(/newer/);
    await store.dropPartitions([ref]);
    expect(await ownedBy('a', 1).claim(atStart)).toBe('unknown-partition');
    expect(await link.write.exists(keys().delivery, keys().log)).toBe(0);
  });

  it('makes the state of a partition that an older version has made', async () => {
    await link.write.unlink(keys().delivery);
    await append(1);
    expect(await ownedBy('a', 1).claim(atStart)).toMatchObject({ progress: 0 });
    expect(await link.write.hget(keys().delivery, 'format')).toBe('1');
  });
});

describe('taking over', () => {
  it('brings all that was delivered, in order, whoever had it pending or nobody', async () => {
    await append(1, 2, 1, 1);
    await ownedBy('a', 1).claim(atStart);
    const ids = [...(await readNew('a', 2)), ...(await readNew('stranger', 1))];
    // Somebody has acknowledged by hand.
    await link.write.xack(keys().log, 'readers', ids[1]!);
    const second = ownedBy('b', 2);
    await second.claim(atStart);
    const taken = [
      ...((await second.take({ progress: 0, fromOffset: 0, entriesMax: 2 })) as { id: string }[]),
    ];
    taken.push(
      ...((await second.take({ progress: 0, fromOffset: 3, entriesMax: 2 })) as { id: string }[]),
    );
    expect(taken.map(({ id }) => id)).toEqual(ids);
    expect(await second.take({ progress: 0, fromOffset: 4, entriesMax: 2 })).toEqual([]);
    expect(await pending()).toEqual({ [ids[0]!]: 'b', [ids[1]!]: 'b', [ids[2]!]: 'b' });
    expect(await readNew('b')).toHaveLength(1);
  });

  it('leaves nothing pending of what was trimmed away', async () => {
    await append(1, 1, 1);
    await ownedBy('a', 1).claim(atStart);
    const ids = await readNew('a');
    await store.deleteRecords(ref, 2);
    const second = ownedBy('b', 2);
    await second.claim(atStart);
    expect(
      (await second.take({ progress: 0, fromOffset: 0, entriesMax: 10 })) as { id: string }[],
    ).toMatchObject([{ id: ids[2] }]);
    expect(await pending()).toEqual({ [ids[2]!]: 'b' });
  });

  it('says that nothing is claimed where the group of the stream is gone', async () => {
    await append(1);
    const owner = ownedBy('a', 1);
    await owner.claim(atStart);
    await link.write.xgroup('DESTROY', keys().log, 'readers');
    expect(await owner.take({ progress: 0, fromOffset: 0, entriesMax: 10 })).toBe('unclaimed');
    await owner.claim(atStart);
    expect(await readNew('a')).toHaveLength(1);
    await link.write.hdel(keys().delivery, 'g/readers');
    expect(await owner.acknowledge(1, [])).toBe('unclaimed');
  });

  it('removes consumers that have nothing pending, and no others', async () => {
    await append(1, 1);
    const owner = ownedBy('a', 1);
    await owner.claim(atStart);
    const [id] = await readNew('gone', 1);
    await readNew('a');
    await link.write.xgroup('CREATECONSUMER', keys().log, 'readers', 'idle');
    await owner.tidy({ withOwn: false });
    const consumers = async (): Promise<unknown[]> =>
      ((await link.write.xinfo('CONSUMERS', keys().log, 'readers')) as unknown[][]).map(
        (row) => row[1],
      );
    expect(await consumers()).toEqual(['a', 'gone']);
    await owner.acknowledge(1, [id!]);
    await owner.tidy({ withOwn: true });
    expect(await consumers()).toEqual(['a']);
  });
});

describe('seeking', () => {
  it.each([
    [1, 1],
    [0, 0],
    [99, 3],
  ])('to %i goes on at %i, with nothing pending', async (offset, moved) => {
    await append(1, 1, 1);
    const owner = ownedBy('a', 1);
    await owner.claim(atStart);
    await readNew('a');
    expect(await owner.seek(offset)).toBe(moved);
    expect(await pending()).toEqual({});
    expect(await readNew('a')).toHaveLength(3 - moved);
    expect(await ownedBy('b', 2).claim(atStart)).toMatchObject({ progress: moved });
  });
});

/** Where the next owner goes on. */
async function progress(): Promise<number> {
  return ((await ownedBy('b', 2).claim(atStart)) as { progress: number }).progress;
}

describe('a call that arrives after a later one of the same owner', () => {
  let isBroken: boolean;
  /** Sends what was left in a connection that was given up. */
  let late: (() => Promise<unknown>)[];
  let owner: PartitionDelivery;

  beforeEach(async () => {
    [isBroken, late] = [false, []];
    const through = new Proxy(link.write, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          const send = (): Promise<unknown> => method.apply(target, args) as Promise<unknown>;
          if (!isBroken) return send();
          late.push(send);
          return Promise.reject(new Error('Connection is closed.'));
        };
      },
    });
    await append(1, 1, 1);
    const names = { group: 'readers', member: 'a', epoch: 1 };
    owner = new PartitionDelivery(through, keys(), names);
    await owner.claim(atStart);
    await readNew('a');
    await owner.acknowledge(1, []);
    await owner.seek(1);
  });

  async function cutOff(call: () => Promise<unknown>): Promise<void> {
    isBroken = true;
    await expect(call()).rejects.toBeInstanceOf(UnknownOutcome);
    isBroken = false;
    expect(late).toHaveLength(1);
  }

  it.each([
    ['over what a seek went back to', 2, () => owner.seek(0), 0],
    ['back', 2, () => owner.acknowledge(3, []), 3],
  ])('does not move the progress %s', async (_, first, then, expected) => {
    await cutOff(() => owner.acknowledge(first, []));
    await then();
    await late[0]!();
    expect(await progress()).toBe(expected);
  });

  it('does not seek any more', async () => {
    await cutOff(() => owner.seek(0));
    await owner.acknowledge(2, []);
    await late[0]!();
    expect(await progress()).toBe(2);
  });

  it('is that of an owner before, or of none: the next owner counts anew', async () => {
    const next = ownedBy('b', 2);
    await next.claim(atStart);
    expect(await next.acknowledge(2, [])).toBe('acknowledged');
    expect(await owner.acknowledge(3, [])).toBe('fenced');
  });
});

test('what is kept of a group is forgotten unless it was claimed anew', async () => {
  await ownedBy('a', 1).claim(atStart);
  const seen = (await link.write.hget(keys().delivery, 'g/readers'))!;
  await ownedBy('b', 2).claim(atStart);
  const forget = (value: string) =>
    forgetScript.call(link.write, keys(), { group: 'readers', seen: value });
  expect((await forget(seen)).tag).toBe('changed');
  expect((await forget((await link.write.hget(keys().delivery, 'g/readers'))!)).tag).toBe(
    'forgotten',
  );
  expect(await link.write.xinfo('GROUPS', keys().log)).toEqual([]);
  expect(await link.write.hgetall(keys().delivery)).toEqual({ format: '1' });
});
