import { type RedisLink } from '@sluice/redis';
import { checkPartition } from '@sluice/test/models/partition-check';
import { appendBatch } from '@sluice/test/support/batches';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { Chance } from '../../test/simulation/chance';
import { partitionKeys, type PartitionKeys, type PartitionRef } from '../keys';
import { PartitionStore } from '../partition-store';
import { appendScript } from '../scripts';
import { appendArgs, type AppendBatch } from './append-call';

/**
 * A call with one usual batch is judged by include/judge-one.lua, all others by judge-all.lua. Both
 * are to come to the same, so the same calls go to a partition with the script as it is, and to one
 * with the script without its short way.
 */

const callsMax = 150;
const shortWay = 'if count == 1 and from then';
const longWay = appendScript.source.replace(shortWay, 'if false then');
// Of few offsets, so that they are extended now and then.
const terms = { leadership: -1, confirmed: null, reservation: '0 40 20' };

let redis: RedisLink;
let store: PartitionStore;

beforeAll(async () => {
  redis = await connectLink(await sharedRedis());
  store = new PartitionStore(redis);
});

afterAll(async () => {
  await redis.close();
  await (await sharedRedis()).stop();
});

async function newPartition(topicId: string): Promise<PartitionKeys> {
  const ref: PartitionRef = { topic: 'twins', topicId, partition: 0 };
  await store.initPartition(ref);
  return partitionKeys(redis.keyPrefix, ref);
}

/** Batches as producers send them that are mostly in order, and of most sizes. */
class Batches {
  private readonly sequences = [0, 0, 0];
  private nowMs = 1_000;
  private readonly sent: AppendBatch[] = [];

  constructor(private readonly chance: Chance) {}

  next(): AppendBatch {
    const { chance } = this;
    if (this.sent.length > 0 && chance.is(0.05)) {
      return this.sent[chance.between(0, this.sent.length - 1)]!;
    }
    const producer = chance.between(-1, 2);
    const count = chance.is(0.8) ? 1 : chance.between(2, 4);
    const bytes = chance.is(0.05) ? chance.between(200_000, 300_000) : chance.between(0, 9_000);
    this.nowMs += chance.between(0, 3);
    const timestampMs = chance.is(0.1) ? chance.between(-1, this.nowMs) : this.nowMs;
    const value = Buffer.alloc(bytes);
    const records = Array.from({ length: count }, () => ({ timestampMs, value }));
    const batch = appendBatch({ records, ...(producer >= 0 ? this.of(producer, count) : {}) });
    this.sent.push(batch);
    return batch;
  }

  private of(producerId: number, count: number) {
    const { chance, sequences } = this;
    const gap = chance.is(0.03) ? 1 : 0;
    const baseSequence = sequences[producerId]! + gap;
    if (gap === 0) sequences[producerId] = baseSequence + count;
    return { producerId, producerEpoch: chance.is(0.02) ? 1 : 0, baseSequence };
  }
}

/** Sends a call, with the script as it is or as another source. */
function call(keys: PartitionKeys, batches: AppendBatch[], source: string): Promise<unknown> {
  const { meta, log, producers, spans } = keys;
  const args = appendArgs(keys, terms, null, batches);
  const { leadership, position, confirmed, wake, reservation, facts } = args;
  const values = [leadership, position, confirmed, wake, reservation, facts];
  const bytes = batches.map((batch) => batch.bytes);
  return redis.write.eval(source, 4, meta, log, producers, spans, ...values, ...bytes);
}

/** All that is stored, without the times at which it was. */
async function stored({ meta, log, producers, spans }: PartitionKeys) {
  const { extended: _, ...fields } = await redis.read.hgetall(meta);
  const ofProducers = await redis.read.hgetallBuffer(producers);
  const timeless = Object.entries(ofProducers).map(([id, value]) => {
    return id === 'format' ? [id, value] : [id, value.subarray(0, 2), value.subarray(6)];
  });
  const ids = async (key: string) => (await redis.read.xrange(key, '-', '+')).map(([id]) => id);
  return { fields, timeless, log: await ids(log), spans: await redis.read.xrange(spans, '-', '+') };
}

it.each([1, 2, 3])('comes to the same by the short way and by the long one: %i', async (seed) => {
  expect(longWay).not.toBe(appendScript.source);
  const short = await newPartition(`short-${seed}`);
  const long = await newPartition(`long-${seed}`);
  const chance = new Chance(seed);
  const batches = new Batches(chance);
  for (let calls = 0; calls < callsMax; calls++) {
    const group = Array.from({ length: chance.is(0.8) ? 1 : 2 }, () => batches.next());
    const reply = await call(short, group, appendScript.source);
    expect(reply).toEqual(await call(long, group, longWay));
  }
  expect(await stored(short)).toEqual(await stored(long));
  expect(await checkPartition(redis.read, short)).toEqual([]);
});
