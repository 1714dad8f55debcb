import type { Redis } from 'ioredis';
import { Admission, type ArrivalListener } from './admission';
import { renewAof } from './aof';
import { adviseOnServer, checkServer } from './checks';
import { explainConnectFailure, isHopeless } from './connect-error';
import {
  closeConnection,
  openConnection,
  type Connection,
  type ConnectionRole,
} from './connection';
import { LentReplies } from './lent-replies';
import { RedisUnavailable } from './errors';
import type { Logger, Clock, Timer } from '@sluice/base';
import { redisLimits, resolveOptions, type RedisOptions, type ResolvedOptions } from './options';
import { countReplicas, readServerFacts, type HistoryToken, type ServerFacts } from './server';
import {
  Subscriber,
  type MessageListener,
  type SubscribeOptions,
  type Unsubscribe,
} from './subscriber';

/** What the link needs from outside. */
export interface LinkDeps {
  log: Logger;
  clock: Clock;
}

/** Called after the write connection was made again. */
export type ReadyListener = (info: { historyChanged: boolean }) => void;

/** How things stand. */
export interface LinkStatus {
  connected: boolean;
  product: 'redis' | 'valkey';
  version: string;
  runId: string;
  replicationId: string;
  /** As last counted by `replicaCount`; null before the first count. */
  replicas: number | null;
}

type Connections = Record<Exclude<ConnectionRole, 'recover'>, Connection>;

/**
 * The connections of one process to one Redis: for writes, for writes that a WAIT follows, for
 * reads, for stream entries and for subscriptions. Commands are never sent twice and never stay
 * pending; lost connections are made again for as long as the link is open.
 */
export class RedisLink {
  readonly write: Redis;
  /**
   * For appends followed by WAIT, which blocks its connection and covers that connection's writes.
   * Its `wait` may be called for every append: those who wait at the same time share one WAIT.
   */
  readonly durable: Redis;
  readonly read: Redis;
  /**
   * For reading stream entries. Its large values come in memory that is used again: each value of a
   * reply has to be claimed from `lent`, and released.
   */
  readonly entries: Redis;
  readonly lent: LentReplies;
  readonly keyPrefix: string;
  /** The number of the database; channels, unlike keys, are the same in all of them. */
  readonly db: number;
  readonly #connections: Connections;
  readonly #subscriber: Subscriber;
  readonly #readyListeners = new Set<ReadyListener>();
  readonly #admission: Admission;
  #replicas: { count: number; atMs: number } | null = null;
  #replicaQuery: Promise<number> | null = null;
  #heartbeat: Timer | null = null;
  #closed = false;

  private constructor(
    private readonly options: ResolvedOptions,
    private readonly deps: LinkDeps,
    connections: Connections,
    lent: LentReplies,
    private readonly facts: ServerFacts,
  ) {
    this.lent = lent;
    this.entries = connections.entries.redis;
    this.#connections = connections;
    this.write = connections.write.redis;
    this.durable = connections.durable.redis;
    this.read = connections.read.redis;
    this.keyPrefix = options.keyPrefix;
    this.db = options.db;
    this.#subscriber = new Subscriber(connections.subscribe.redis, deps.log);
    const { write, durable, read, entries } = connections;
    this.#admission = new Admission({
      held: [write.redis, durable.redis, read.redis, entries.redis],
      history: historyOfFacts(facts),
      open: () => this.#openUnheld(),
      ...deps,
      onAdmitted: (historyChanged) => this.#admitted(historyChanged),
    });
    this.#scheduleHeartbeat();
  }

  /**
   * Connects, checks that the server can be used and logs what is worth knowing about it.
   *
   * @throws RedisStartError with several lines on what is wrong and what to do
   */
  static async connect(options: RedisOptions, deps: LinkDeps): Promise<RedisLink> {
    const resolved = resolveOptions(options);
    const lent = new LentReplies();
    const open = (role: ConnectionRole, memory?: LentReplies): Connection =>
      openConnection(resolved, role, deps.log, memory);
    const connections: Connections = {
      write: open('write'),
      durable: open('durable'),
      read: open('read'),
      entries: open('entries', lent),
      subscribe: open('subscribe'),
    };
    try {
      await firstReady(connections.write, resolved, deps);
      const facts = await readServerFacts(connections.write.redis);
      checkServer(facts, resolved.label);
      const { durable, read, entries, subscribe } = connections;
      const others = [durable, read, entries, subscribe];
      await Promise.all(others.map((one) => firstReady(one, resolved, deps)));
      for (const { level, message } of adviseOnServer(facts)) deps.log[level](message);
      await renewAof(connections.write.redis, deps.log);
      return new RedisLink(resolved, deps, connections, lent, facts);
    } catch (error) {
      await closeAll(connections);
      if (!(error instanceof RedisUnavailable)) throw error;
      const { label, connectTimeoutMs: timeoutMs } = resolved;
      throw explainConnectFailure({ label, error, timeoutMs });
    }
  }

  /**
   * Listens to a channel on the link's own connection for that; it is subscribed again after a
   * reconnect. See `Subscriber.subscribe`.
   */
  subscribe(
    channel: string,
    listener: MessageListener,
    options?: SubscribeOptions,
  ): Promise<Unsubscribe> {
    return this.#subscriber.subscribe(channel, listener, options);
  }

  /**
   * Calls the listener after each time the write connection was made again. `historyChanged` says
   * that the server restarted or another was promoted, so that acknowledged writes may be gone.
   *
   * @returns a function that takes the listener back
   */
  onReady(listener: ReadyListener): () => void {
    this.#readyListeners.add(listener);
    return () => void this.#readyListeners.delete(listener);
  }

  /** The history that the server was on when it was last looked at. */
  get history(): HistoryToken {
    return this.#admission.history;
  }

  /**
   * Calls the listener when Redis has come back with another history, before any other connection
   * may be used: until it is done, commands fail with RedisUnavailable 'recovering'.
   *
   * @returns a function that takes the listener back
   */
  onArrival(listener: ArrivalListener): () => void {
    return this.#admission.onArrival(listener);
  }

  /**
   * Refuses every command with `reason` from now on, until the arrival listeners, which are called
   * again and again, no longer fail.
   */
  suspect(reason: RedisUnavailable): void {
    this.#admission.suspect(reason);
  }

  status(): LinkStatus {
    const { runId, replicationId } = this.#admission.history;
    return {
      connected: this.write.status === 'ready' && !this.#connections.write.redis.isHeld,
      product: this.facts.product,
      version: this.facts.version,
      runId,
      replicationId,
      replicas: this.#replicas?.count ?? null,
    };
  }

  /**
   * The number of replicas that are connected and in step, at most a second old.
   *
   * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  replicaCount(): Promise<number> {
    const known = this.#replicas;
    const ageMs = known === null ? Infinity : this.deps.clock.monotonicMs() - known.atMs;
    if (known !== null && ageMs < redisLimits.replicaCountAgeMaxMs) {
      return Promise.resolve(known.count);
    }
    this.#replicaQuery ??= this.#countReplicas().finally(() => (this.#replicaQuery = null));
    return this.#replicaQuery;
  }

  /** Ends all connections. What is outstanding is rejected; later commands are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#heartbeat?.cancel();
    this.#readyListeners.clear();
    await this.#admission.stop();
    await closeAll(this.#connections);
  }

  async #countReplicas(): Promise<number> {
    const count = await countReplicas(this.read);
    this.#replicas = { count, atMs: this.deps.clock.monotonicMs() };
    return count;
  }

  #admitted(historyChanged: boolean): void {
    this.#replicas = null;
    this.deps.log.info('Redis is connected again', { historyChanged });
    void renewAof(this.write, this.deps.log);
    for (const listener of this.#readyListeners) listener({ historyChanged });
  }

  async #openUnheld(): Promise<{ redis: Redis; close: () => Promise<void> }> {
    const connection = openConnection(this.options, 'recover', this.deps.log);
    const close = (): Promise<void> => closeConnection(connection.redis);
    try {
      await firstReady(connection, this.options, this.deps);
    } catch (error) {
      await close();
      throw error;
    }
    return { redis: connection.redis, close };
  }

  #scheduleHeartbeat(): void {
    if (this.#closed) return;
    this.#heartbeat = this.deps.clock.setTimer(this.options.heartbeatMs, () => {
      for (const { redis } of Object.values(this.#connections)) {
        // An answer that fails to come makes ioredis break the connection off and make it again.
        if (redis.status === 'ready') redis.ping().catch(() => undefined);
      }
      this.#scheduleHeartbeat();
    });
  }
}

function historyOfFacts({ runId, replicationId, formerReplicationId }: ServerFacts): HistoryToken {
  return { runId, replicationId, formerReplicationId };
}

async function closeAll(connections: Connections): Promise<void> {
  await Promise.all(Object.values(connections).map(({ redis }) => closeConnection(redis)));
}

/** Waits for the first `ready`, while ioredis tries again and again in the background. */
function firstReady(
  connection: Connection,
  options: ResolvedOptions,
  deps: LinkDeps,
): Promise<void> {
  const { redis } = connection;
  return new Promise((resolve, reject) => {
    let timer: Timer | null = null;
    const settle = (act: () => void): void => {
      timer?.cancel();
      redis.off('ready', onReady);
      redis.off('error', onError);
      act();
    };
    const fail = (error: Error | null, timeoutMs: number): void =>
      settle(() => reject(explainConnectFailure({ label: options.label, error, timeoutMs })));
    const onReady = (): void => settle(resolve);
    const onError = (error: Error): void => {
      if (isHopeless(error)) fail(error, options.connectTimeoutMs);
    };
    redis.on('ready', onReady);
    redis.on('error', onError);
    const onLate = async (): Promise<void> => {
      if (!(await isLoading(redis))) return fail(connection.lastError(), options.connectTimeoutMs);
      deps.log.warn('Redis is reading its data from disk; waiting until it is done');
      const loading = new Error('LOADING Redis is reading its data from disk');
      const onTooLate = (): void => fail(loading, options.loadingTimeoutMs);
      timer = deps.clock.setTimer(options.loadingTimeoutMs, onTooLate);
    };
    timer = deps.clock.setTimer(options.connectTimeoutMs, () => void onLate());
    // Its failure shows as an `error` event, and is followed by further attempts.
    redis.connect().catch(() => undefined);
  });
}

/** While Redis loads, ioredis does not call the connection ready, but INFO is answered. */
async function isLoading(redis: Redis): Promise<boolean> {
  try {
    return /^loading:1/m.test(await redis.info('persistence'));
  } catch {
    return false;
  }
}
