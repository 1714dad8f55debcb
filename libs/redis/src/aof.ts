import type { Redis } from 'ioredis';
import { Periodic, type Clock, type Logger } from '@sluice/base';
import { attempt, isConnectionLoss, RedisReplyError } from './errors';
import { redisLimits } from './options';
import { parseInfo } from './server';

/** A smaller file holds nothing of ours that could be cut in half. */
const aofBytesMin = 512;

/** The format of what is stored at `key`, before what it says. */
const format = '1 ';
const clean = 'clean';

/**
 * In the hash of writers: not one of them, but on which history the last of them stopped. It is no
 * token: tokens are 22 characters.
 */
export const stoppedWriterField = 'stopped';

/** What the append-only file is looked after with. */
export interface AppendOnlyFileParts {
  /** The connection for writes. */
  redis: Redis;
  /** Where is noted how far the file is known to be sound. */
  key: string;
  /** The hash of those who may have written, with one more field of whoever stopped last. */
  writersKey: string;
  /** The Redis is Sluice's own, and its file is written anew when we ask. */
  isManaged: boolean;
  clock: Clock;
  log: Logger;
}

/** How much of the file is worth keeping, roughly. */
export interface AofSizes {
  fileBytes: number;
  dataBytes: number;
}

type Info = ReadonlyMap<string, string>;

/**
 * Looks after the append-only file of a Redis that is ours, and advises where it is another's.
 *
 * **It may begin damaged.** A server that is killed, or loses power, while it writes may leave a
 * file that ends inside a transaction, as which each script is written too. The next start drops
 * the transaction, but cuts off no more than its last, half command; what is written from then on
 * lies behind an open MULTI in the file. The start after that runs the half of the transaction as
 * well: a log may be left under its other name, or have a batch that nobody acknowledged
 * (https://github.com/valkey-io/valkey/pull/4342). A file that is written anew holds what the
 * server has in memory, which is right. So it is written anew before anything is served, unless the
 * last stop was clean: then the last thing in the file says so, and what lies before it is whole.
 * A gateway that stops while others go on says so too early; they are among the writers then.
 *
 * **It may be mostly dead**, after much was deleted. Then the retention worker has it written anew
 * too (`rewriteWhenDead`). It never is because the log has grown; Redis' own rule for that
 * (auto-aof-rewrite-percentage) should be off.
 */
export class AppendOnlyFile {
  readonly #checks: Periodic;
  /** The run of the server whose file is known to be sound. */
  #soundRun: string | null = null;

  constructor(private readonly parts: AppendOnlyFileParts) {
    const { clock, log } = parts;
    this.#checks = new Periodic({
      clock,
      log,
      name: 'looking after the append-only file',
      everyMs: redisLimits.aofCheckEveryMs,
      failureLevel: 'debug',
      run: (signal) => this.#makeSound(signal),
    });
  }

  /** At the start, before anything is served; a rewrite that is needed has ended, or takes long. */
  async begin(): Promise<void> {
    if (!this.parts.isManaged) return this.#advise();
    try {
      await this.#makeSound(new AbortController().signal);
    } catch (error) {
      if (!isConnectionLoss(error)) this.#warn(error as Error);
    }
    this.#checks.start();
  }

  /** After a reconnect: it may be another run of the server. */
  again(): void {
    if (this.parts.isManaged) this.#checks.runSoon();
    else void this.#advise();
  }

  /** At the end, once nothing more is written: the next start need not write the file anew. */
  async end(): Promise<void> {
    await this.#checks.stop();
    const { redis, key } = this.parts;
    if (this.#soundRun === null || redis.status !== 'ready') return;
    // Where it fails, the file is written anew for nothing.
    await redis.set(key, format + clean).catch(() => undefined);
  }

  /** See `RedisLink.rewriteDeadFile`. */
  async rewriteWhenDead(): Promise<AofSizes | null> {
    const { redis, log } = this.parts;
    const info = await this.#info();
    if (info.get('aof_enabled') !== '1' || isRewriting(info)) return null;
    const sizes = {
      fileBytes: Number(info.get('aof_current_size')),
      dataBytes: Number(info.get('used_memory_dataset')),
    };
    if (!isMostlyDead(sizes)) return null;
    await attempt('BGREWRITEAOF', redis.bgrewriteaof());
    log.info('Redis writes its append-only file anew, as most of it is dead', { ...sizes });
    return sizes;
  }

  async #makeSound(signal: AbortSignal): Promise<void> {
    const { redis, key, log } = this.parts;
    const info = await this.#info();
    const run = info.get('run_id') ?? '';
    if (info.get('aof_enabled') !== '1' || run === this.#soundRun) return;
    const noted = await attempt('GET', redis.get(key));
    const isSound =
      noted === format + run || (noted === format + clean && !(await this.#hasWriters()));
    if (!isSound && needsRenewal(info)) {
      log.info('Redis writes its append-only file anew, as it was not stopped in good order');
      await this.#rewrite(signal);
      if (signal.aborted) return;
    }
    this.#soundRun = run;
    await attempt('SET', redis.set(key, format + run));
  }

  /** Whether somebody may have written who has not stopped in good order. */
  async #hasWriters(): Promise<boolean> {
    const { redis, writersKey } = this.parts;
    const [count, left] = await Promise.all([
      attempt('HLEN', redis.hlen(writersKey)),
      attempt('HEXISTS', redis.hexists(writersKey, stoppedWriterField)),
    ]);
    return count > left;
  }

  /** Resolves when it is done, or has taken too long to wait for. */
  async #rewrite(signal: AbortSignal): Promise<void> {
    const { redis, clock, log } = this.parts;
    try {
      await attempt('BGREWRITEAOF', redis.bgrewriteaof());
    } catch (error) {
      // Another gateway, or Redis itself, was first.
      if (!(error instanceof RedisReplyError && error.message.includes('in progress'))) throw error;
    }
    const untilMs = clock.monotonicMs() + redisLimits.aofRewriteWaitMs;
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      if (!isRewriting(await this.#info())) return;
      await new Promise<void>((resolve) => {
        clock.setTimer(redisLimits.aofRewritePollMs, resolve);
      });
    }
    if (!signal.aborted) log.warn('Redis still writes its append-only file anew; not waited for');
  }

  async #advise(): Promise<void> {
    try {
      if (!needsRenewal(await this.#info())) return;
      this.parts.log.info(
        'Redis has not rewritten its append-only file since it was started. If it was killed, or ' +
          'lost power, while it wrote, it should: redis-cli BGREWRITEAOF',
      );
    } catch (error) {
      this.parts.log.debug('no advice on the append-only file', {
        error: (error as Error).message,
      });
    }
  }

  #warn(error: Error): void {
    this.parts.log.warn(
      'Redis should rewrite its append-only file after a restart, and could not be asked to: ' +
        'if it was killed while it wrote, its next restart may damage records. Run: ' +
        'redis-cli BGREWRITEAOF',
      { error: error.message },
    );
  }

  async #info(): Promise<Info> {
    return parseInfo(await attempt('INFO', this.parts.redis.info()));
  }
}

/** Whether it is worth writing the file anew. */
export function isMostlyDead({ fileBytes, dataBytes }: AofSizes): boolean {
  const { aofRewriteBytesMin, aofRewriteDeadShareMin } = redisLimits;
  if (!(fileBytes >= aofRewriteBytesMin)) return false;
  return fileBytes - dataBytes >= fileBytes * aofRewriteDeadShareMin;
}

function isRewriting(info: Info): boolean {
  return info.get('aof_rewrite_in_progress') === '1' || info.get('aof_rewrite_scheduled') === '1';
}

function needsRenewal(info: Info): boolean {
  if (info.get('aof_enabled') !== '1' || isRewriting(info)) return false;
  if (!(Number(info.get('aof_current_size')) >= aofBytesMin)) return false;
  // Neither since its start, nor in vain.
  const never = info.get('aof_last_rewrite_time_sec') === '-1';
  return never || info.get('aof_last_bgrewrite_status') === 'err';
}
