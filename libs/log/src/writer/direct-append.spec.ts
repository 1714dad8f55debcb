import { existsSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { UnknownOutcome, type RedisLink } from '@sluice/redis';
import { checkPartition } from '@sluice/test/models/partition-check';
import { appendBatch, batchAt } from '@sluice/test/support/batches';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import type { AppendBatch, AppendReply } from './append-call';
import { partitionKeys, type PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { PartitionStore } from '../partition-store';
import { AppendCalls, plainAppends } from '../../test/append-calls';
import { appendScript } from '../scripts';
import { Appends, Transactions } from './appends';
import { allowsTransactions } from './direct-append';

const ref: PartitionRef = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 };

/** A batch that goes past Lua. */
function large(producer?: { id: number; sequence: number }): AppendBatch {
  const value = Buffer.alloc(partitionLimits.directBytesMin, 7);
  return appendBatch({
    records: [
      { timestampMs: 5, value },
      { timestampMs: 6, value: null },
    ],
    ...(producer && { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence }),
  });
}

const offsets = (reply: AppendReply): number[] => {
  if ('refused' in reply) throw new Error(reply.refused);
  return reply.results.map((result) => (result.kind === 'appended' ? result.baseOffset : -1));
};

/** Leaves a half command at the end of the append-only file, inside the last transaction. */
function cutOff(folder: string): void {
  const [name] = readdirSync(folder).filter((one) => one.endsWith('.incr.aof'));
  const file = join(folder, name!);
  truncateSync(file, statSync(file).size - 60);
}

describe('append of large batches', () => {
  let server: TestRedis;
  let redis: RedisLink;
  let store: PartitionStore;
  let appends: AppendCalls;

  beforeEach(async () => {
    server = await startRedis({ args: ['--maxmemory', '40mb'] });
    redis = await connectLink(server);
    store = new PartitionStore(redis);
    appends = new AppendCalls(redis);
    await store.initPartition(ref);
  });

  afterEach(async () => {
    await redis.close();
    await server.stop();
  });

  const keys = () => partitionKeys(redis.keyPrefix, ref);

  /** How often Redis has run a command. */
  async function calls(command: string): Promise<number> {
    const stats = await redis.read.info('commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  /** Brings the store to where it sends large batches past Lua. */
  async function warmUp(): Promise<void> {
    for (let i = 0; i < 3; i++) await appends.append(ref, -1, [large()]);
    expect(await calls('renamenx')).toBeGreaterThan(0);
  }

  it('sends the bytes to XADD and not to Lua, with the same result', async () => {
    await warmUp();
    const before = await calls('renamenx');
    const batch = large();
    expect(offsets(await appends.append(ref, -1, [batch, batchAt(9), large()]))).toEqual([6, 8, 9]);
    expect(await calls('renamenx')).toBe(before + 2);
    const ids = (await redis.read.xrange(keys().log, '-', '+')).map(([id]) => id);
    expect(ids).toEqual(['1-6', '3-6', '5-6', '7-6', '8-9', '10-9']);
    const [stored] = await store.read(ref, 6, { entries: 1 });
    expect(stored!.bytes.subarray(16).equals(batch.bytes.subarray(16))).toBe(true);
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  it('wakes those who wait, once a call', async () => {
    await warmUp();
    const messages: string[] = [];
    await redis.subscribe(keys().wake, (message) => messages.push(message));
    await appends.append(ref, -1, [large(), large()]);
    while (messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(messages).toEqual(['10 0 10 0']);
  });

  it('takes a retry for a duplicate', async () => {
    await warmUp();
    expect(offsets(await appends.append(ref, -1, [large({ id: 1, sequence: 0 })]))).toEqual([6]);
    expect(await appends.append(ref, -1, [large({ id: 1, sequence: 0 })])).toMatchObject({
      results: [{ kind: 'duplicate', baseOffset: 6 }],
    });
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  it('keeps the order of calls when another writer comes in between', async () => {
    await warmUp();
    const other = new AppendCalls(redis);
    const link = await connectLink(server, { keyPrefix: redis.keyPrefix });
    await new AppendCalls(link).append(ref, -1, [batchAt(1, 2)]);
    const made = [
      appends.append(ref, -1, [large()]),
      appends.append(ref, -1, [batchAt(3)]),
      appends.append(ref, -1, [large()]),
      appends.append(ref, -1, [batchAt(4)]),
    ];
    expect((await Promise.all(made)).map(offsets)).toEqual([[8], [10], [11], [13]]);
    expect(offsets(await other.append(ref, -1, [batchAt(5)]))).toEqual([14]);
    await link.close();
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  describe('beside another writer', () => {
    type Path = 'script' | 'direct';
    const terms = { leadership: -1, confirmed: null };

    /** Appends whose sends are told, after the other writer has had its chance. */
    const appendsTold = (onSend: (path: Path) => void): Appends => {
      const common = plainAppends(partitionLimits, new Transactions(redis.write));
      return new Appends(keys(), { ...common, meter: { sends: onSend } });
    };

    /** The paths that one call takes. */
    const pathsOf = async (own: Appends, sent: Path[]): Promise<Path[]> => {
      await own.append(redis.write, terms, [large()]);
      return sent.splice(0);
    };

    it('goes past Lua all the same, where the log ends now', async () => {
      const sent: Path[] = [];
      const own = appendsTold((path) => sent.push(path));
      const other = appendsTold(() => {});
      for (let i = 0; i < 3; i++) await pathsOf(own, sent);
      for (let i = 0; i < 3; i++) {
        await other.append(redis.write, terms, [batchAt(7)]);
        expect(await pathsOf(own, sent)).toEqual(['direct', 'direct']);
        expect(await pathsOf(own, sent)).toEqual(['direct']);
      }
      expect(await checkPartition(redis.read, keys())).toEqual([]);
    });

    it('goes through Lua while others come in between too often', async () => {
      const sent: Path[] = [];
      let isBusy = false;
      const other = appendsTold(() => {});
      const own = appendsTold((path) => {
        sent.push(path);
        // On the same connection, so just before what is sent now.
        if (isBusy) void other.append(redis.write, terms, [batchAt(7)]);
      });
      for (let i = 0; i < 3; i++) await pathsOf(own, sent);
      isBusy = true;
      const tries: Path[] = ['direct', 'direct', 'direct', 'direct'];
      expect(await pathsOf(own, sent)).toEqual([...tries, 'script']);
      for (let i = 0; i < 40; i++) expect(await pathsOf(own, sent)).toEqual(['script']);
      isBusy = false;
      // What goes through Lua tells that nobody comes in between any more.
      await pathsOf(own, sent);
      const paths: Path[][] = [];
      while (paths.at(-1)?.[0] !== 'direct') paths.push(await pathsOf(own, sent));
      expect(paths.length).toBeLessThanOrEqual(partitionLimits.directMissMemory);
      expect(paths.at(-1)).toEqual(['direct']);
      expect(await checkPartition(redis.read, keys())).toEqual([]);
    });

    it('goes past Lua where others come in between before one append of four', async () => {
      const sent: Path[] = [];
      const own = appendsTold((path) => sent.push(path));
      const other = appendsTold(() => {});
      for (let i = 0; i < 3; i++) await pathsOf(own, sent);
      for (let i = 0; i < 40; i++) {
        if (i % 4 === 0) await other.append(redis.write, terms, [batchAt(7)]);
        expect(await pathsOf(own, sent)).not.toContain('script');
      }
      expect(await checkPartition(redis.read, keys())).toEqual([]);
    });
  });

  it('lets no smaller call overtake one that was refused', async () => {
    await warmUp();
    const link = await connectLink(server, { keyPrefix: redis.keyPrefix });
    // Brings the log to just where the first of the calls would have brought it.
    await new AppendCalls(link).append(ref, -1, [batchAt(6, 6)]);
    const made = [appends.append(ref, -1, [large()]), appends.append(ref, -1, [batchAt(3)])];
    expect((await Promise.all(made)).map(offsets)).toEqual([[8], [10]]);
    await link.close();
  });

  it('works with a server that has lost its scripts', async () => {
    await warmUp();
    await redis.write.script('FLUSH');
    expect(offsets(await appends.append(ref, -1, [large()]))).toEqual([6]);
    expect(offsets(await appends.append(ref, -1, [large()]))).toEqual([8]);
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  it('keeps the order of calls while the server loses and regains the script', async () => {
    await warmUp();
    await redis.write.script('FLUSH');
    const made = [appends.append(ref, -1, [batchAt(1)])];
    // As when another process sends it the script.
    void redis.write.script('LOAD', appendScript.source);
    made.push(appends.append(ref, -1, [batchAt(2)]), appends.append(ref, -1, [large()]));
    made.push(appends.append(ref, -1, [batchAt(3)]));
    expect((await Promise.all(made)).map(offsets)).toEqual([[6], [7], [8], [10]]);
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  it('does not let a call wait for one before it that fails', async () => {
    await warmUp();
    const none = { ...ref, partition: 9 };
    const made = [appends.append(none, -1, [large()]), appends.append(none, -1, [batchAt(3)])];
    const refused = { refused: 'unknown-partition' };
    expect(await Promise.all(made)).toEqual([refused, refused]);
    await store.lead(ref, 3);
    const fenced = { refused: 'fenced-leader' };
    const mixed = [2, 3, 2, 3].map((one) => appends.append(ref, one, [batchAt(4)]));
    const replies = await Promise.all(mixed);
    expect([replies[0], replies[2]]).toEqual([fenced, fenced]);
    expect([offsets(replies[1]!), offsets(replies[3]!)]).toEqual([[6], [7]]);
  });

  it('works for a user who may not use transactions', async () => {
    await redis.write.acl('SETUSER', 'plain', 'on', '>secret', '~*', '&*', '+@all', '-multi');
    const url = `redis://plain:secret@${server.host}:${server.port}`;
    const link = await connectLink({ ...server, url }, { keyPrefix: redis.keyPrefix });
    const plain = new AppendCalls(link);
    for (let i = 0; i < 4; i++) await plain.append(ref, -1, [large(), large()]);
    expect(await calls('renamenx')).toBe(0);
    expect(await redis.read.info('commandstats')).toMatch(/cmdstat_multi:.*rejected_calls=1,/);
    await link.close();
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  it('does not send again what an error does not prove to be undone', async () => {
    await warmUp();
    await redis.write.acl('SETUSER', 'half', 'on', '>secret', '~*', '&*', '+@all');
    const url = `redis://half:secret@${server.host}:${server.port}`;
    const link = await connectLink({ ...server, url }, { keyPrefix: redis.keyPrefix });
    const calls = new Appends(keys(), plainAppends(partitionLimits, new Transactions(link.write)));
    // Knows where the log ends, by a duplicate, and that it may use transactions.
    await appends.append(ref, -1, [large({ id: 3, sequence: 0 })]);
    const terms = { leadership: -1, confirmed: null };
    await calls.append(link.write, terms, [large({ id: 3, sequence: 0 })]);
    await allowsTransactions(link.write);
    expect(await redis.read.xlen(keys().log)).toBe(4);
    await calls.append(link.write, terms, [large({ id: 3, sequence: 0 })]);
    // The last right that the script needs, after it has moved the stream.
    await redis.write.acl('SETUSER', 'half', '-hset');
    const failed = calls.append(link.write, terms, [large()]);
    await expect(failed).rejects.toBeInstanceOf(UnknownOutcome);
    expect(await redis.read.xlen(keys().log)).toBe(5);
    await link.close();
  });

  it('tells nobody that nothing was done where only the transaction was refused', async () => {
    const admin = redis.write;
    await admin.acl('SETUSER', 'later', 'on', '>secret', '~*', '&*', '+@all');
    const url = `redis://later:secret@${server.host}:${server.port}`;
    const link = await connectLink({ ...server, url }, { keyPrefix: redis.keyPrefix });
    const others = new AppendCalls(link);
    for (let i = 0; i < 3; i++) await others.append(ref, -1, [large()]);
    await admin.acl('SETUSER', 'later', '-multi');
    const outcome = others.append(ref, -1, [large()]);
    await expect(outcome).rejects.toBeInstanceOf(UnknownOutcome);
    // What comes behind it goes through Lua.
    await eventually(() => others.append(ref, -1, [large()]));
    expect(await checkPartition(redis.read, keys())).toEqual([]);
    await link.close();
  });

  it('is refused to a former leader and by a partition that is gone', async () => {
    await warmUp();
    await store.lead(ref, 3);
    expect(await appends.append(ref, 2, [large()])).toEqual({ refused: 'fenced-leader' });
    expect(offsets(await appends.append(ref, 3, [large()]))).toEqual([6]);
    await store.dropPartitions([ref]);
    expect(await appends.append(ref, 3, [large()])).toEqual({ refused: 'unknown-partition' });
    expect(await redis.read.keys(`${redis.keyPrefix}*`)).toEqual([]);
  });

  it('is refused as a whole by a Redis that is full', async () => {
    await warmUp();
    const fillUp = async (): Promise<void> => {
      for (;;) await appends.append(ref, -1, [large(), large(), large(), large()]);
    };
    await expect(fillUp()).rejects.toMatchObject({ reason: 'out-of-memory' });
    expect(await checkPartition(redis.read, keys())).toEqual([]);
    await store.deleteRecords(ref, -1);
    const { logEndOffset } = (await store.bounds(ref))!;
    expect(offsets(await appends.append(ref, -1, [large()]))).toEqual([logEndOffset]);
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  it('is done or not done, and never half, when Redis is killed', async () => {
    await warmUp();
    let acknowledged = 6;
    const appendOn = async (): Promise<void> => {
      for (;;) {
        const reply = await appends.append(ref, -1, [large(), large()]);
        if ('refused' in reply) throw new Error(reply.refused);
        acknowledged = reply.logEndOffset;
      }
    };
    const failed = appendOn().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.kill();
    const error = await failed;
    expect(error instanceof UnknownOutcome || (error as Error).name === 'RedisUnavailable').toBe(
      true,
    );
    await server.restart();
    const link = await connectLink(server, { keyPrefix: redis.keyPrefix });
    const { logEndOffset } = (await new PartitionStore(link).bounds(ref))!;
    expect([acknowledged, acknowledged + 4]).toContain(logEndOffset);
    expect(await checkPartition(link.read, keys())).toEqual([]);
    await link.close();
  });

  it('loses nothing by restarts after Redis was killed while it wrote its file', async () => {
    await warmUp();
    // Its file is written anew by the gateway only where the Redis is Sluice's own.
    const { keyPrefix } = redis;
    await redis.close();
    redis = await connectLink(server, { keyPrefix, managed: true });
    store = new PartitionStore(redis);
    appends = new AppendCalls(redis);
    const setting = async (name: string): Promise<string> =>
      ((await redis.read.config('GET', name)) as string[])[1]!;
    const folder = join(await setting('dir'), await setting('appenddirname'));
    await server.kill();
    // In a container its files are out of reach, and all that is left to see is the restarts.
    if (existsSync(folder)) cutOff(folder);
    await server.restart();
    const rewritten = /aof_last_rewrite_time_sec:\d/;
    await eventually(async () => rewritten.test(await redis.read.info('persistence')));
    const { logEndOffset } = (await store.bounds(ref))!;
    await eventually(async () => offsets(await appends.append(ref, -1, [large()])));
    await server.restart();
    const after = await eventually(() => store.bounds(ref));
    expect(after).toMatchObject({ logStartOffset: 0, logEndOffset: logEndOffset + 2 });
    expect(await store.read(ref, 0, { entries: 10 })).toHaveLength(after.logEndOffset / 2);
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });

  it('puts nothing into a stream that a damaged file has left behind', async () => {
    await warmUp();
    await redis.write.xadd(keys().open, '0-1', 'b', 'left behind');
    expect(offsets(await appends.append(ref, -1, [large()]))).toEqual([6]);
    expect(offsets(await appends.append(ref, -1, [large()]))).toEqual([8]);
    await redis.write.del(keys().open);
    expect(await checkPartition(redis.read, keys())).toEqual([]);
  });
});
