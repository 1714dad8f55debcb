import type { Redis } from 'ioredis';
import {
  Periodic,
  Sampler,
  silentMetrics,
  type Clock,
  type Logger,
  type Metrics,
} from '@sluice/base';
import { Admission } from './admission';
import { AppendOnlyFile, type AofSizes } from './aof';
import { CallMeter, callMetrics } from './call-meter';
import { adviseOnServer, checkServer } from './checks';
import {
  closeConnection,
  openConnection,
  type Connection,
  type ConnectionRole,
  type DiskConnection,
} from './connection';
import { askForDiskWord, type DiskWord } from './disk-word';
import { isConnectionLoss, RedisUnavailable } from './errors';
import { firstReady } from './first-ready';
import { keepOnDisk } from './keep-on-disk';
import { LentReplies } from './lent-replies';
import { RecentAnswer } from './recent-answer';
import type { ObservedShard } from './shard-metrics';
import { redisLimits, type ResolvedOptions } from './options';
import { checkRights } from './rights';
import {
  countReplicas,
  readMemory,
  readServerFacts,
  readServerIdentity,
  readSettings,
  type HistoryToken,
  type ServerFacts,
  type ServerMemory,
} from './server';
import {
  Subscriber,
  type BytesListener,
  type SubscribeOptions,
  type Unsubscribe,
} from './subscriber';
import type { Place } from './topology/place';

/** What a shard needs from outside. */
export interface ShardDeps {
  log: Logger;
  clock: Clock;
  metrics?: Metrics;
  /** Called after the write connection was made again. */
  onAdmitted: (historyChanged: boolean) => void;
  /**
   * Called when the server has come back with another history, before any other connection may be
   * used: until it is done, commands fail with RedisUnavailable 'recovering'.
   */
  onArrival: ShardArrivalListener;
  /** Says where the primary is; without it, it is where the options say. */
  place?: Place | undefined;
}

/** As `ArrivalListener`, with the shard that it is about. */
export type ShardArrivalListener = (
  redis: Redis,
  history: HistoryToken,
  shard: Shard,
) => Promise<void>;

/** How a shard stands. */
export interface ShardStatus {
  connected: boolean;
  product: 'redis' | 'valkey';
  version: string;
  runId: string;
  replicationId: string;
  /** As last counted by `replicaCount`; null before the first count. */
  replicas: number | null;
  /** As it was at the start; what the server does not show is null. */
  persistence: { aof: boolean; appendfsync: string | null; snapshots: string | null };
}

type Connections = Record<Exclude<ConnectionRole, 'recover' | 'block'>, Connection>;

/**
 * The connections of one process to one primary: for writes, for writes that a WAIT follows, for
 * reads, for stream entries and for subscriptions. Commands are never sent twice and never stay
 * pending; lost connections are made again, to wherever the primary is then, for as long as the
 * shard is open. What a server has by itself is a shard's: its history, its replicas, its memory,
 * and whether it may be used.
 */
export class Shard {
  readonly write: Redis;
  /**
   * For appends followed by WAIT, which blocks its connection and covers that connection's writes.
   * Its `wait` may be called for every append: those who wait at the same time share one WAIT.
   */
  readonly durable: Redis;
  /** The same for appends followed by WAITAOF, which takes as long as an fsync. */
  readonly disk: DiskConnection;
  readonly read: Redis;
  /**
   * For reading stream entries. Its large values come in memory that is used again: each value of a
   * reply has to be claimed from `lent`, and released.
   */
  readonly entries: Redis;
  readonly lent = new LentReplies();
  readonly #connections: Connections;
  readonly #subscriber: Subscriber;
  readonly #admission: Admission;
  readonly #aof: AppendOnlyFile;
  readonly #heartbeat: Periodic;
  /** Ends the waits for connections that were never ready. */
  readonly #opening = new AbortController();
  readonly #memory: Sampler<ServerMemory>;
  readonly #unfollow: (() => void) | undefined;
  #server: Pick<ServerFacts, 'product' | 'version'> = { product: 'redis', version: '' };
  #persistence: Pick<ServerFacts, 'aofEnabled' | 'settings'> = {
    aofEnabled: false,
    settings: new Map(),
  };
  readonly #replicas: RecentAnswer<number>;
  readonly #diskWord: RecentAnswer<DiskWord>;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly deps: ShardDeps,
  ) {
    const { metrics = silentMetrics, place, clock } = deps;
    const recent = { clock, ageMaxMs: redisLimits.replicaCountAgeMaxMs };
    this.#replicas = new RecentAnswer({ ...recent, ask: () => countReplicas(this.read) });
    const askDisk = () => askForDiskWord(this.read, this.#server);
    this.#diskWord = new RecentAnswer({ ...recent, ask: askDisk });
    const measured = callMetrics(metrics);
    const open = (role: ConnectionRole): Connection => {
      // Where nobody reads what is measured, a call is spared what measuring it takes.
      const isMeasured = metrics !== silentMetrics;
      const meter = isMeasured ? new CallMeter(measured, role, deps.clock) : undefined;
      // In a cluster an answer may come from another shard than that which was asked first.
      const lends = role === 'entries' && options.topology.kind !== 'cluster';
      const lent = lends ? this.lent : undefined;
      return openConnection(options, role, deps.log, { lent, meter, place, clock });
    };
    this.#connections = {
      write: open('write'),
      durable: open('durable'),
      disk: open('disk'),
      read: open('read'),
      entries: open('entries'),
      subscribe: open('subscribe'),
    };
    const { write, durable, disk, read, entries, subscribe } = this.#connections;
    this.write = write.redis;
    this.durable = durable.redis;
    this.disk = disk.redis;
    this.read = read.redis;
    this.entries = entries.redis;
    this.#subscriber = new Subscriber(subscribe.redis, deps.log);
    this.#admission = new Admission({
      held: [write.redis, durable.redis, disk.redis, read.redis, entries.redis],
      look: (redis) => this.#look(redis),
      open: () => this.#openUnheld(),
      ...deps,
      onAdmitted: (historyChanged) => this.#admitted(historyChanged),
    });
    this.#admission.onArrival((redis, history) => deps.onArrival(redis, history, this));
    const { keyPrefix, managed: isManaged } = options;
    const registry = `${keyPrefix}{registry}:`;
    const keys = { key: `${registry}aof`, writersKey: `${registry}writers` };
    this.#aof = new AppendOnlyFile({ redis: this.write, ...keys, isManaged, ...deps });
    const beat = { everyMs: options.heartbeatMs, run: () => this.#ping() };
    this.#heartbeat = new Periodic({ ...deps, name: 'Redis heartbeat', ...beat });
    const take = () => readMemory(this.read);
    this.#unfollow = place?.follow(() => this.#leave());
    this.#memory = new Sampler({ ...deps, name: 'the look at the memory of Redis', take });
  }

  /**
   * Connects, checks that the server can be used and logs what is worth knowing about it. Where it
   * fails it may be called again, and `close` is to be called all the same.
   *
   * @param isLate others may have written there before: it is used only when the arrival listeners
   *   are done with it, and a failover is not waited for
   * @throws RedisStartError | RedisUnavailable | UnknownOutcome
   */
  async start(isLate = false): Promise<void> {
    const { write, ...others } = this.#connections;
    const { subscribe: _never, ...held } = this.#connections;
    const notYet = new RedisUnavailable('recovering', 'a shard is new, and is looked at first');
    if (isLate) for (const { redis } of Object.values(held)) redis.hold(notYet);
    const place = isLate ? undefined : this.deps.place;
    await this.#firstReady(write, place);
    const { unheld } = write.redis;
    const facts = await this.#look(unheld, await readSettings(unheld));
    await Promise.all(Object.values(others).map((one) => this.#firstReady(one, place)));
    this.#persistence = facts;
    this.#admission.start(facts);
    this.#subscriber.start();
    this.#heartbeat.start();
    for (const { level, message } of adviseOnServer(facts, this.deps.place !== undefined))
      this.deps.log[level](message);
    if (isLate) this.suspect(notYet);
    await this.#aof.begin();
  }

  /** Hands each subscription over to another shard: this one is about to be closed. */
  handOver(heirOf: (channel: string) => Shard): void {
    this.#subscriber.handOver((channel) => heirOf(channel).#subscriber);
  }

  /** What the metrics show of it. */
  get observed(): ObservedShard {
    return {
      connections: this.#connections,
      admission: this.#admission,
      memory: this.#memory,
      replicas: () => this.#replicas.last,
    };
  }

  /**
   * Listens to a channel on the shard's own connection for that; it is subscribed again after a
   * reconnect. See `Subscriber.subscribe`.
   */
  subscribe(
    channel: string,
    listener: BytesListener,
    options?: SubscribeOptions,
  ): Promise<Unsubscribe> {
    return this.#subscriber.subscribe(channel, listener, options);
  }

  /**
   * True where the server, as it was at the start, goes back to its last snapshot when it is
   * restarted. One that keeps nothing at all begins with nothing.
   */
  get keepsOnlySnapshots(): boolean {
    const { aofEnabled, settings } = this.#persistence;
    return !aofEnabled && settings.get('save') !== '';
  }

  /**
   * Does a write over the connection that it is given, and says whether no loss of the server's
   * last writes can take it any more. Nobody knows that where replicas are connected, one of which
   * may be promoted, or where `keepOnDisk` does not know it.
   *
   * @throws as `write`, and as `replicaCount` and `diskWord`
   */
  async keep(write: (redis: Redis) => Promise<unknown>, timeoutMs: number): Promise<boolean> {
    const word = await this.#diskWord.get();
    const terms = { word, isManaged: this.options.managed, timeoutMs };
    const isOnDisk = await keepOnDisk(this.durable, terms, () => write(this.durable));
    return isOnDisk && (await this.replicaCount()) === 0;
  }

  /**
   * Has a Redis of our own write its append-only file anew if most of it is dead.
   *
   * @returns the sizes that were the reason; null where there was none
   * @throws as `write`
   */
  rewriteDeadFile(): Promise<AofSizes | null> {
    return this.#aof.rewriteWhenDead();
  }

  /** The history that the server was on when it was last looked at. */
  get history(): HistoryToken {
    return this.#admission.history;
  }

  /**
   * Refuses every command with `reason` from now on, until the arrival listeners, which are called
   * again and again, no longer fail.
   */
  suspect(reason: RedisUnavailable): void {
    this.#admission.suspect(reason);
  }

  status(): ShardStatus {
    const { runId, replicationId } = this.#admission.history;
    return {
      connected: this.write.status === 'ready' && !this.#connections.write.redis.isHeld,
      ...this.#server,
      runId,
      replicationId,
      replicas: this.#replicas.last,
      persistence: {
        aof: this.#persistence.aofEnabled,
        appendfsync: this.#persistence.settings.get('appendfsync') ?? null,
        snapshots: this.#persistence.settings.get('save') ?? null,
      },
    };
  }

  /**
   * How much memory the server uses, and may use.
   *
   * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  memory(): Promise<ServerMemory> {
    return readMemory(this.read);
  }

  /**
   * The number of replicas that are connected and in step, at most a second old.
   *
   * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  replicaCount(): Promise<number> {
    return this.#replicas.get();
  }

  /** As `diskWord` has answered last; null before the first answer. */
  get knownDiskWord(): DiskWord | null {
    return this.#diskWord.last;
  }

  /**
   * How the server says that a write is on its disk, at most a second old.
   *
   * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  diskWord(): Promise<DiskWord> {
    return this.#diskWord.get();
  }

  /** Ends all connections. What is outstanding is rejected; later commands are refused. */
  async close(): Promise<void> {
    this.#opening.abort();
    this.#unfollow?.();
    await this.#aof.end();
    await Promise.all([
      this.#memory.stop(),
      this.#heartbeat.stop(),
      this.#admission.stop(),
      ...Object.values(this.#connections).map(({ redis }) => closeConnection(redis)),
    ]);
  }

  /** Looks at a server, and whether it and its user may be used. */
  async #look(redis: Redis, settings?: ReadonlyMap<string, string>): Promise<ServerFacts> {
    const { label, topology } = this.options;
    const isClustered = topology.kind === 'cluster';
    if (redis === this.#connections.entries.redis.unheld) {
      const identity = await readServerIdentity(redis);
      checkServer(identity, label, isClustered);
      return identity;
    }
    let facts: ServerFacts;
    try {
      facts = await readServerFacts(redis, settings);
    } catch (error) {
      // It may be INFO itself that is forbidden; then this says so.
      if (!isConnectionLoss(error)) await checkRights(redis, this.options);
      throw error;
    }
    checkServer(facts, label, isClustered);
    await checkRights(redis, this.options);
    this.#server = { product: facts.product, version: facts.version };
    return facts;
  }

  #admitted(historyChanged: boolean): void {
    this.#replicas.forget();
    this.#diskWord.forget();
    this.deps.log.info('Redis is connected again', { historyChanged });
    this.#aof.again();
    this.deps.onAdmitted(historyChanged);
  }

  async #openUnheld(): Promise<{ redis: Redis; close: () => Promise<void> }> {
    const connection = openConnection(this.options, 'recover', this.deps.log, this.deps);
    const close = (): Promise<void> => closeConnection(connection.redis);
    try {
      await this.#firstReady(connection);
    } catch (error) {
      await close();
      throw error;
    }
    return { redis: connection.redis, close };
  }

  #firstReady(connection: Connection, place?: Place): Promise<void> {
    const deps = { ...this.deps, place, signal: this.#opening.signal };
    return firstReady(connection, this.options, deps);
  }

  /** Makes all connections anew, to wherever the primary is now. */
  #leave(): void {
    for (const { redis } of Object.values(this.#connections)) redis.disconnect(true);
  }

  /** An answer that fails to come makes ioredis break the connection off and make it again. */
  #ping(): void {
    for (const { redis } of Object.values(this.#connections)) {
      if (redis.status === 'ready') redis.unheld.ping().catch(() => undefined);
    }
  }
}
