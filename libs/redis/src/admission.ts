import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { Redis } from 'ioredis';
import type { HeldConnection } from './connection';
import { isConnectionLoss, RedisStartError, RedisUnavailable } from './errors';
import { redisLimits } from './options';
import { sameHistory, type HistoryToken } from './server';

/**
 * Does what has to be done before a server with another history may be used, over a connection of
 * its own. Where it fails it is called again.
 */
export type ArrivalListener = (redis: Redis, history: HistoryToken) => Promise<void>;

/** Whether a server is used, and why not. */
export type AdmissionState = (typeof admissionStates)[number];

/** All states, in words that are the same for ever: they are in metrics. */
export const admissionStates = ['admitted', 'looking', 'unfit', 'suspected'] as const;

/** What an admission works with. */
export interface AdmissionParts {
  /** The connections that are held back. */
  held: readonly HeldConnection[];
  /**
   * Looks at the server behind a connection: on which history it is.
   *
   * @throws RedisStartError with the reason in words where it cannot be used
   */
  look: (redis: Redis) => Promise<HistoryToken>;
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
 *
 * Behind the address there may also be another server than before, such as a replica after a
 * failover, or the same one with other settings. One that cannot be used is looked at again and
 * again; that it cannot, and that it can again, is one line in the log each.
 */
export class Admission {
  readonly #listeners = new Set<ArrivalListener>();
  readonly #arrivals: Periodic;
  #history: HistoryToken = { runId: '', replicationId: '', formerReplicationId: '' };
  #changed = false;
  /** Why the server cannot be used; null: it can, or nobody knows. */
  #unfit: RedisUnavailable | null = null;
  /** Why the server is not to be used as it is, whatever its history; null: it may be used. */
  #suspicion: RedisUnavailable | null = null;
  /** The listeners have to be asked, or are being asked. */
  #arriving = false;

  constructor(private readonly parts: AdmissionParts) {
    const { clock, log } = parts;
    this.#arrivals = new Periodic({
      clock,
      log,
      name: 'looking at a Redis that came back',
      everyMs: redisLimits.arrivalRetryMs,
      failureLevel: 'debug',
      run: () => this.#arrive(),
    });
  }

  /** Begins, with the history of the server that the connections were made to. */
  start(history: HistoryToken): void {
    this.#history = history;
    for (const redis of this.parts.held) {
      redis.on('close', () => redis.hold(this.#reason()));
      redis.on('ready', () => void this.#admit(redis));
      // It broke before anybody listened.
      if (redis.status !== 'ready') redis.hold(checking());
    }
  }

  /** The history that the server was on when it was last looked at. */
  get history(): HistoryToken {
    return this.#history;
  }

  /** How the server stands, in a word. */
  get state(): AdmissionState {
    if (this.#suspicion !== null) return 'suspected';
    if (this.#unfit !== null) return 'unfit';
    return this.#arriving ? 'looking' : 'admitted';
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
    this.#suspect(reason);
    this.#beginArrival();
  }

  stop(): Promise<void> {
    return this.#arrivals.stop();
  }

  /**
   * Lets a connection be used if it leads to the history that is known. Else that history is
   * entered, unless it just was another one: then the connection is made anew.
   */
  async #admit(redis: HeldConnection, isAfterArrival = false): Promise<void> {
    if (this.#arriving) return;
    try {
      const history = await this.parts.look(redis.unheld);
      if (this.#arriving || redis.status !== 'ready') return;
      if (!sameHistory(this.#history, history)) {
        // The address leads elsewhere by now, and it is there that the listeners have been.
        if (isAfterArrival) redis.disconnect(true);
        else this.#beginArrival();
        return;
      }
      this.#history = history;
      this.#release(redis);
    } catch (error) {
      // Where the connection broke again, its next `ready` comes back here.
      this.parts.log.debug('Redis not looked at', { error: (error as Error).message });
      if (this.#arriving || redis.status !== 'ready' || isConnectionLoss(error)) return;
      this.#refuse(error as Error);
      this.#beginArrival();
      // The address may lead to another server by now.
      redis.disconnect(true);
    }
  }

  #reason(): RedisUnavailable {
    return this.#suspicion ?? this.#unfit ?? checking();
  }

  #refuse(error: Error): void {
    const text = `not sent: ${error.message.replaceAll('\n', ' ')}`;
    if (this.#unfit === null) {
      const message = 'Redis cannot be used now, and nothing is sent to it until it can';
      this.parts.log.error(message, { error: error.message });
    }
    this.#unfit = new RedisUnavailable(reasonOf(error), text);
    for (const redis of this.parts.held) redis.hold(this.#reason());
  }

  #release(redis: HeldConnection): void {
    redis.hold(null);
    if (redis !== this.parts.held[0]) return;
    const changed = this.#changed;
    this.#changed = false;
    this.parts.onAdmitted(changed);
  }

  #suspect(reason: RedisUnavailable): void {
    this.#suspicion = reason;
    for (const redis of this.parts.held) redis.hold(reason);
  }

  #beginArrival(): void {
    this.#arriving = true;
    for (const redis of this.parts.held) redis.hold(this.#reason());
    this.#arrivals.runSoon();
  }

  async #arrive(): Promise<void> {
    if (!this.#arriving) return;
    const { redis, close } = await this.parts.open();
    const suspicion = this.#suspicion;
    try {
      const history = await this.parts.look(redis);
      const changed = !sameHistory(this.#history, history);
      if (changed || suspicion !== null) {
        for (const listener of this.#listeners) await listener(redis, history);
      }
      this.#changed ||= changed || suspicion !== null;
      this.#history = history;
    } catch (error) {
      if (error instanceof RedisUnavailable && error.reason === 'emptied') this.#suspect(error);
      else if (!isConnectionLoss(error)) this.#refuse(error as Error);
      throw error;
    } finally {
      await close();
    }
    // It is suspected since the listeners were asked: `suspect` has them asked once more.
    if (this.#suspicion !== suspicion) return;
    if (this.#unfit !== null) this.parts.log.info('Redis can be used again');
    this.#suspicion = null;
    this.#unfit = null;
    this.#arriving = false;
    const ready = this.parts.held.filter(({ status }) => status === 'ready');
    await Promise.all(ready.map((one) => this.#admit(one, true)));
  }
}

function reasonOf(error: Error): RedisUnavailable['reason'] {
  if (error instanceof RedisUnavailable) return error.reason;
  if (!(error instanceof RedisStartError)) return 'misconfigured';
  if (error.problem === 'replica') return 'read-only';
  return error.problem === 'rights' ? 'denied' : 'misconfigured';
}
