import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { Redis } from 'ioredis';
import type { HeldConnection } from './connection';
import { RedisUnavailable } from './errors';
import { redisLimits } from './options';
import { readHistory, sameHistory, type HistoryToken } from './server';

/**
 * Does what has to be done before a server with another history may be used, over a connection of
 * its own. Where it fails it is called again.
 */
export type ArrivalListener = (redis: Redis, history: HistoryToken) => Promise<void>;

/** What an admission works with. */
export interface AdmissionParts {
  /** The connections that are held back. */
  held: readonly HeldConnection[];
  /** The history that the link began with. */
  history: HistoryToken;
  /** A connection that is never held back, for the listeners; whoever gets it closes it. */
  open: () => Promise<{ redis: Redis; close: () => Promise<void> }>;
  clock: Clock;
  log: Logger;
  /** Called when the write connection may be used again. */
  onAdmitted: (historyChanged: boolean) => void;
}

const checking = (): RedisUnavailable =>
  new RedisUnavailable('recovering', 'Redis has come back and is looked at before it is used');

/**
 * Decides when connections that were made again may be used: at once where the server is on the
 * history that is known, and else only when the listeners are done with the new one. Until then
 * every command is refused as not executed. So nobody ever writes to, or reads from, a server that
 * has lost writes without having been told.
 */
export class Admission {
  readonly #listeners = new Set<ArrivalListener>();
  readonly #arrivals: Periodic;
  #history: HistoryToken;
  #changed = false;
  /** Why the server is not to be used as it is, whatever its history; null: it may be used. */
  #suspicion: RedisUnavailable | null = null;
  /** The listeners have to be asked, or are being asked. */
  #arriving = false;

  constructor(private readonly parts: AdmissionParts) {
    this.#history = parts.history;
    const { clock, log, held } = parts;
    this.#arrivals = new Periodic({
      clock,
      log,
      name: 'looking at a Redis that came back',
      everyMs: redisLimits.arrivalRetryMs,
      failureLevel: 'debug',
      run: () => this.#arrive(),
    });
    for (const redis of held) {
      redis.on('close', () => redis.hold(checking()));
      redis.on('ready', () => void this.#admit(redis));
    }
  }

  /** The history that the server was on when it was last looked at. */
  get history(): HistoryToken {
    return this.#history;
  }

  /** Calls the listener for each new history, one after the other; returns its removal. */
  onArrival(listener: ArrivalListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Refuses every command with `reason` from now on, until the listeners have accepted the server
   * anew. They are asked again and again.
   */
  suspect(reason: RedisUnavailable): void {
    this.#suspicion = reason;
    this.#beginArrival();
  }

  stop(): Promise<void> {
    return this.#arrivals.stop();
  }

  /** Lets a connection be used if it leads to the history that is known. */
  async #admit(redis: HeldConnection): Promise<void> {
    if (this.#arriving) return;
    try {
      const history = await readHistory(redis);
      if (this.#arriving || redis.status !== 'ready') return;
      if (!sameHistory(this.#history, history)) return this.#beginArrival();
      this.#history = history;
      this.#release(redis);
    } catch (error) {
      // The connection broke again; its next `ready` comes back here.
      this.parts.log.debug('Redis history not read', { error: (error as Error).message });
    }
  }

  #release(redis: HeldConnection): void {
    redis.hold(null);
    if (redis !== this.parts.held[0]) return;
    const changed = this.#changed;
    this.#changed = false;
    this.parts.onAdmitted(changed);
  }

  #beginArrival(): void {
    this.#arriving = true;
    for (const redis of this.parts.held) redis.hold(this.#suspicion ?? checking());
    this.#arrivals.runSoon();
  }

  async #arrive(): Promise<void> {
    if (!this.#arriving) return;
    const { redis, close } = await this.parts.open();
    try {
      const history = await readHistory(redis);
      const changed = !sameHistory(this.#history, history);
      if (changed || this.#suspicion !== null) {
        for (const listener of this.#listeners) await listener(redis, history);
      }
      this.#changed ||= changed || this.#suspicion !== null;
      this.#history = history;
    } finally {
      await close();
    }
    this.#suspicion = null;
    this.#arriving = false;
    await Promise.all(this.parts.held.map((one) => one.status === 'ready' && this.#admit(one)));
  }
}
