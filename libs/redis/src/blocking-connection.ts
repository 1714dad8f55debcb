import type { Redis } from 'ioredis';
import type { Clock, Logger, Timer } from '@sluice/base';
import { closeConnection, openConnection } from './connection';
import { classify, RedisReplyError, RedisUnavailable } from './errors';
import { redisLimits, type ResolvedOptions } from './options';
import type { Place } from './topology/place';

/** What a blocking connection needs from outside. */
interface BlockingDeps {
  log: Logger;
  clock: Clock;
  /** Where it leads to; without it, to where the options say. */
  place?: Place | undefined;
  /** A connection to the same server, which wakes what waits. */
  write: () => Redis;
}

/**
 * A connection for commands that wait, such as XREADGROUP with BLOCK, one at a time. It is made
 * again for as long as it is open; while it is not there, commands are refused at once.
 */
export class BlockingConnection {
  /** The connection's number at the server; null where it is not known. */
  #id: number | null = null;
  #retry: Timer | null = null;
  /** Of the command that is to be woken last: an earlier one has been answered by then. */
  #isOut: () => boolean = () => false;
  #hasToldOfRefusal = false;
  #isClosed = false;
  readonly #unfollow: (() => void) | undefined;

  constructor(
    readonly redis: Redis,
    private readonly stallMs: number,
    private readonly deps: BlockingDeps,
  ) {
    redis.on('ready', () => void this.#identify());
    redis.on('close', () => (this.#id = null));
    // It need not break by itself: the former primary may be cut off from the others alone.
    this.#unfollow = deps.place?.follow(() => redis.disconnect(true));
  }

  /** How long a command may wait at most, ms: less where it could not be woken. */
  get blockMsMax(): number {
    const { blockMsMax, blockUnwakeableMsMax } = redisLimits;
    const wanted = this.#id === null ? blockUnwakeableMsMax : blockMsMax;
    return Math.max(1, Math.min(wanted, Math.floor(this.stallMs / 2)));
  }

  get isReady(): boolean {
    return this.redis.status === 'ready';
  }

  /**
   * Has the command that waits answer at once that there was nothing. It is tried again where the
   * command has not come to Redis yet, for as long as `isOut` says that its answer is owed.
   */
  wake(isOut: () => boolean): void {
    this.#isOut = isOut;
    if (this.#retry === null) this.#unblock();
  }

  /** Ends it for good; what waits on it is rejected. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    this.#unfollow?.();
    return closeConnection(this.redis);
  }

  #unblock(): void {
    const id = this.#id;
    if (id === null || this.#isClosed || !this.#isOut()) return;
    const again = (): void => {
      this.#retry = null;
      this.#unblock();
    };
    const woken = (count: unknown): void => {
      if (count !== 0 || this.#retry !== null || this.#isClosed || !this.#isOut()) return;
      this.#retry = this.deps.clock.setTimer(redisLimits.unblockAgainMs, again);
    };
    // Where it cannot be asked for, the command ends by its own time.
    this.deps
      .write()
      .client('UNBLOCK', id)
      .then(woken, (error) => this.#refused(id, error));
  }

  /** One that may not be woken is to wait for a short time only, from the next command on. */
  #refused(id: number, failure: unknown): void {
    const error = classify(failure, 'CLIENT UNBLOCK');
    const isDenied = error instanceof RedisUnavailable && error.reason === 'denied';
    if (!isDenied && !(error instanceof RedisReplyError)) return;
    if (this.#id === id) this.#id = null;
    if (this.#hasToldOfRefusal) return;
    this.#hasToldOfRefusal = true;
    const line = 'what waits in Redis cannot be woken: CLIENT UNBLOCK is refused';
    this.deps.log.warn(line, { error: error.message });
  }

  async #identify(): Promise<void> {
    this.#id = await this.redis.client('ID').catch(() => null);
  }
}

/** Makes a blocking connection and begins to connect. */
export function openBlockingConnection(
  options: ResolvedOptions,
  deps: BlockingDeps,
): BlockingConnection {
  const { log, clock, place } = deps;
  const { redis } = openConnection(options, 'block', log, { place, clock });
  const connection = new BlockingConnection(redis, options.commandStallMs, deps);
  // Its failure shows as an `error` event, and is followed by further attempts.
  redis.connect().catch(() => undefined);
  return connection;
}
