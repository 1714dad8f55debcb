import type { Clock, Logger, Timer } from '@sluice/base';
import { attempt, RedisUnavailable, type RedisLink, type JobConnections } from '@sluice/redis';
import type { ConsumedRecord, OwnedPartition } from '@sluice/streams';
import { loadBullmq, type StreamQueue } from '../bullmq';
import { dataOf } from '../job-data';
import { bullKey, fedKey, jobIdOf, queuePrefix } from '../keys';
import type { StreamJobsLimits } from '../limits';
import type { JobSettings } from '../options';
import { noteFedScript } from '../scripts';

/** A record, and the partition that it came from. */
export interface TakenRecord {
  owner: OwnedPartition;
  record: ConsumedRecord;
}

/** What became of records that were to be fed: so many of the first are jobs, now or before. */
export interface Fed {
  count: number;
  /** Of these, those that became jobs only now. */
  newCount: number;
  /** Why not all: the queue has enough, or another process has fed the same meanwhile. */
  rest: 'none' | 'full' | 'failures' | 'contended';
}

/** What a line works with. */
export interface FeedLineDeps {
  redis: RedisLink;
  clock: Clock;
  log: Logger;
  limits: StreamJobsLimits;
  settings: JobSettings;
}

/** A connection for as long as it holds, and the queue that uses it. */
interface Session {
  connection: JobConnections['feed'];
  queue: StreamQueue;
}

/** The least that is known of each partition: what is below it was fed. */
type NextByKey = Map<string, number>;

/**
 * Makes jobs of records, each once, whatever happens in between.
 *
 * The jobs and the note up to where a partition was fed are one transaction, on condition that the
 * note is still the one that was read. So a record's job is added if and only if the note passes
 * over it: a repeated feed (a crash before the acknowledgement, a lost reply, a process that was
 * frozen for however long) finds the note beyond the record, or changed, and adds nothing. How long
 * jobs are remembered after they were done has no part in it.
 */
export class FeedLine {
  #session: Promise<Session> | null = null;

  constructor(private readonly deps: FeedLineDeps) {}

  /**
   * Feeds as many of the first of these as there is room for. Those of one partition come in the
   * order of their offsets. For one caller at a time.
   *
   * @throws RedisUnavailable, UnknownOutcome, RedisReplyError; feeding the same again is safe
   */
  async feed(taken: readonly TakenRecord[]): Promise<Fed> {
    const session = await this.#open();
    try {
      return await this.#feed(session, taken);
    } catch (error) {
      // What is watched is known to this connection alone, and it may have lost it.
      await this.close();
      throw error;
    }
  }

  /** Ends the connection; the next feed makes another. */
  async close(): Promise<void> {
    const opened = this.#session;
    this.#session = null;
    const session = await opened?.catch(() => null);
    if (session) await endSession(session);
  }

  async #feed({ connection, queue }: Session, taken: readonly TakenRecord[]): Promise<Fed> {
    const keys = [...new Set(taken.map(({ owner }) => this.#fedKey(owner)))];
    const { redis } = connection;
    const [, notes, room] = await Promise.all([
      attempt('jobs/watch', redis.watch(...keys)),
      attempt('jobs/fed', redis.mget(...keys)),
      this.#room(queue),
    ]);
    const next: NextByKey = new Map(keys.map((key, i) => [key, Number(notes[i] ?? -1)]));
    const fresh = taken.filter((one) => one.record.offset >= next.get(this.#fedKey(one.owner))!);
    const chosen = fresh.slice(0, room.jobs);
    const count = chosen.length === fresh.length ? taken.length : taken.indexOf(fresh[room.jobs]!);
    const rest = chosen.length === fresh.length ? 'none' : room.why;
    if (chosen.length === 0) return { count, newCount: 0, rest };
    const isFed = await this.#add({ connection, queue }, chosen);
    return isFed
      ? { count, newCount: chosen.length, rest }
      : { count: taken.indexOf(chosen[0]!), newCount: 0, rest: 'contended' };
  }

  /** @returns false where a note had changed, and nothing was done */
  async #add({ connection, queue }: Session, chosen: readonly TakenRecord[]): Promise<boolean> {
    const next: NextByKey = new Map();
    for (const { owner, record } of chosen) next.set(this.#fedKey(owner), record.offset + 1);
    const jobs = chosen.map((one) => this.#jobOf(one));
    const { redis, settings } = this.deps;
    const jobKeys = jobs.map(({ opts }) => bullKey(redis.keyPrefix, settings.queue, opts.jobId));
    const keys = { keys: [...next.keys(), ...jobKeys] };
    const done = connection.redis.transaction(
      () => queue.addBulk(jobs),
      (transaction) => noteFedScript.queueSource(transaction, keys, { next: [...next.values()] }),
    );
    const raw = await attempt('jobs/feed', done);
    if (raw === null) return false;
    const reply = noteFedScript.read(raw);
    if (reply.tag === 'fed') return true;
    // The script that adds jobs was unknown to the server, so none was added; see feed().
    throw new RedisUnavailable('disconnected', `jobs/feed: ${reply.count} jobs were not added`);
  }

  #jobOf({ owner, record }: TakenRecord) {
    const { jobOptions } = this.deps.settings;
    const jobId = jobIdOf(owner, record.offset);
    return { name: record.topic, data: dataOf(record), opts: { ...jobOptions, jobId } };
  }

  /** How many jobs there is room for. */
  async #room(queue: StreamQueue): Promise<{ jobs: number; why: 'full' | 'failures' }> {
    const { waitingJobsMax, failedJobsMax } = this.deps.settings;
    const states = ['waiting', 'prioritized', 'delayed', 'failed'] as const;
    const found = await attempt('jobs/counts', queue.getJobCounts(...states));
    const { failed = 0, ...waiting } = found;
    if (failed >= failedJobsMax) return { jobs: 0, why: 'failures' };
    const count = Object.values(waiting).reduce((sum, one) => sum + one, 0);
    return { jobs: Math.max(0, waitingJobsMax - count), why: 'full' };
  }

  #fedKey(owner: OwnedPartition): string {
    const { redis, settings } = this.deps;
    return fedKey(redis.keyPrefix, settings.queue, owner);
  }

  #open(): Promise<Session> {
    this.#session ??= this.#connect().catch((error: unknown) => {
      this.#session = null;
      throw error;
    });
    return this.#session;
  }

  async #connect(): Promise<Session> {
    const { Queue: BullQueue } = await loadBullmq();
    const { redis, limits, settings } = this.deps;
    const connection = redis.openJobConnection(
      'feed',
      queuePrefix(redis.keyPrefix, settings.queue),
    );
    const queue: StreamQueue = new BullQueue(settings.queue, {
      connection: connection.redis,
      prefix: queuePrefix(redis.keyPrefix, settings.queue),
      streams: { events: { maxLen: limits.eventsMax } },
    });
    // Whoever feeds is told; nobody else has to be.
    queue.on('error', () => undefined);
    try {
      await this.#inTime(attempt('jobs/connect', queue.waitUntilReady()));
      return { connection, queue };
    } catch (error) {
      await endSession({ connection, queue });
      throw error;
    }
  }

  async #inTime(ready: Promise<unknown>): Promise<void> {
    const { clock, limits } = this.deps;
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimer(limits.connectMsMax, () =>
        reject(new RedisUnavailable('disconnected', 'jobs: there is no connection to Redis now')),
      );
    });
    try {
      await Promise.race([ready, late]);
    } finally {
      timer?.cancel();
    }
  }
}

async function endSession({ connection, queue }: Session): Promise<void> {
  // BullMQ would wait for a connection that may never come.
  const closing = queue.close().catch(() => undefined);
  await connection.close();
  await closing;
}
