import { silentLogger } from '@sluice/base';
import type { Command } from 'ioredis';
import { eventually } from '@sluice/test/support/eventually';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { RedisStartError, RedisUnavailable } from '../errors';
import { redisLimits } from '../options';
import type { Shard } from '../shard';
import { ClusterShards } from './cluster-shards';
import type { ClusterPart } from './cluster-nodes';
import type { Place } from './place';

const lastSlot = 16_383;
const waitMsMax = 10_000;
const address = (port: number) => ({ host: '127.0.0.1', port });
const partOf = (port: number, from: number, to: number): ClusterPart => ({
  primaryId: `id-${port}`,
  address: address(port),
  replicaIds: [],
  ranges: [[from, to]],
});

/** Stands for the connections to one primary, which answer as they are told. */
class FakeShard {
  isClosed = false;
  starts = 0;
  readonly sent: Command[] = [];
  readonly write = {
    sendCommand: (command: Command): void => {
      this.sent.push(command);
      this.answer(command);
    },
    asking: () => Promise.resolve('OK'),
  };
  answer: (command: Command) => void = (command) => command.resolve('OK');
  start: () => Promise<void> = () => Promise.resolve();

  constructor(readonly place: Place) {}

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  handOver(): void {}
}

class Fixture {
  readonly clock = new FakeClock();
  readonly made: FakeShard[] = [];
  parts: ClusterPart[];
  /** Why no node says who serves what. */
  problem: RedisStartError | null = null;
  readonly warned: string[] = [];
  /** Of the shards that are made from now on. */
  start: () => Promise<void> = () => Promise.resolve();
  readonly shards: ClusterShards;

  constructor(...parts: ClusterPart[]) {
    this.parts = parts;
    const newShard = (place?: Place): Shard => {
      const shard = new FakeShard(place!);
      shard.start = () => {
        shard.starts++;
        return this.start();
      };
      this.made.push(shard);
      return shard as unknown as Shard;
    };
    const nodes = {
      read: () => (this.problem ? Promise.reject(this.problem) : Promise.resolve(this.parts)),
      close: () => Promise.resolve(),
    };
    const log = { ...silentLogger, warn: (message: string) => void this.warned.push(message) };
    const { clock } = this;
    this.shards = new ClusterShards({ nodes, newShard, clock, log, waitMsMax });
  }

  send(key: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.shards.send({ resolve, reject } as unknown as Command, key, 'write');
    });
  }
}

describe('the shards of a Redis Cluster', () => {
  it('keep one that cannot be used yet, and try it again', async () => {
    const cluster = new Fixture(partOf(1, 0, lastSlot));
    await cluster.shards.start();
    const refusal = new RedisUnavailable('denied', 'the user lacks a right');
    cluster.start = () => Promise.reject(refusal);
    cluster.parts = [partOf(2, 0, lastSlot)];
    await cluster.shards.refresh();
    const later = cluster.made[1]!;
    later.answer = (command) => command.reject(refusal);
    await eventually(() => later.starts === 1);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(cluster.send('key')).rejects.toBe(refusal);
    expect(cluster.shards.shardOf('key')).toBe(later);
    cluster.start = () => Promise.resolve();
    await cluster.clock.advanceAsync(redisLimits.clusterLookEveryMs);
    await eventually(() => later.starts === 2);
    expect(cluster.made).toHaveLength(2);
    await cluster.shards.close();
  });

  it('are waited for at the start while no node answers, and the log says so once', async () => {
    const cluster = new Fixture(partOf(1, 0, lastSlot));
    cluster.problem = new RedisStartError('unreachable', 'no node says who serves what');
    const starting = cluster.shards.start();
    await cluster.clock.advanceAsync(waitMsMax / 2);
    expect([cluster.warned.length, cluster.made]).toEqual([1, []]);
    cluster.problem = null;
    await cluster.clock.advanceAsync(redisLimits.clusterFirstLookPauseMs);
    await starting;
    expect([cluster.warned.length, cluster.made.length]).toEqual([1, 1]);
    await cluster.shards.close();
  });

  it('are given up when the time is over, or where time cures nothing', async () => {
    const cluster = new Fixture(partOf(1, 0, lastSlot));
    cluster.problem = new RedisStartError('unreachable', 'no node says who serves what');
    const late = cluster.shards.start().catch((error: unknown) => error);
    await cluster.clock.advanceAsync(waitMsMax);
    expect(await late).toMatchObject({
      problem: 'unreachable',
      message: `no node says who serves what\nIt was tried for ${waitMsMax} ms.`,
    });
    cluster.problem = new RedisStartError('password-wrong', 'it refuses the password');
    await expect(cluster.shards.start()).rejects.toBe(cluster.problem);
    expect(cluster.clock.timerCount).toBe(0);
    await cluster.shards.close();
  });

  it('forget one that a slot was to be moved to, where it is asked for nothing more', async () => {
    const cluster = new Fixture(partOf(1, 0, lastSlot));
    await cluster.shards.start();
    const [first] = cluster.made;
    const slot = 12_539;
    const ask = Object.assign(new Error(`ASK ${slot} 127.0.0.1:2`), { name: 'ReplyError' });
    first!.answer = (command) => command.reject(ask);
    await cluster.send('key');
    const asked = cluster.made[1]!;
    expect(asked.sent).toHaveLength(1);
    for (let ms = 0; ms < redisLimits.clusterAwaitedMsMax; ms += redisLimits.clusterLookEveryMs) {
      expect(asked.isClosed).toBe(false);
      await cluster.clock.advanceAsync(redisLimits.clusterLookEveryMs);
    }
    await cluster.clock.advanceAsync(redisLimits.clusterLookEveryMs);
    await eventually(() => asked.isClosed);
    expect(cluster.shards.shards).toEqual([first]);
    await cluster.shards.close();
  });

  it('tell whoever has a connection of his own for a key that its slot has moved', async () => {
    const cluster = new Fixture(partOf(1, 0, 8_191), partOf(2, 8_192, lastSlot));
    await cluster.shards.start();
    const key = 'key'; // its slot is 12,539
    const place = cluster.shards.placeOf(key);
    let left = 0;
    const unfollow = place.follow(() => left++);
    expect(await place.locate()).toEqual(address(2));
    cluster.parts = [partOf(1, 0, lastSlot)];
    await cluster.shards.refresh();
    expect(left).toBe(1);
    expect(await place.locate()).toEqual(address(1));
    unfollow();
    cluster.parts = [partOf(1, 0, 8_191), partOf(2, 8_192, lastSlot)];
    await cluster.shards.refresh();
    expect(left).toBe(1);
    await cluster.shards.close();
  });
});
