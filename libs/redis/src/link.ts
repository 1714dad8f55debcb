import type { Redis } from 'ioredis';
import { silentMetrics, type Clock, type Logger, type Metrics } from '@sluice/base';
import type { AofSizes } from './aof';
import { openBlockingConnection, type BlockingConnection } from './blocking-connection';
import { explainConnectFailure } from './connect-error';
import { RedisUnavailable, UnknownOutcome } from './errors';
import { openJobConnection, type JobConnectionKind, type JobConnections } from './job-connections';
import type { LentReplies } from './lent-replies';
import { resolveOptions, type RedisOptions, type ResolvedOptions } from './options';
import { totalMemory, type HistoryToken, type ServerMemory } from './server';
import type { Shard, ShardArrivalListener, ShardStatus } from './shard';
import { observeShards } from './shard-metrics';
import type { BytesListener, MessageListener, SubscribeOptions, Unsubscribe } from './subscriber';
import { openTopology } from './topology/open-topology';
import type { Topology } from './topology/topology';

/** What the link needs from outside. */
export interface LinkDeps {
  log: Logger;
  clock: Clock;
  metrics?: Metrics;
}

/** Called after the write connection was made again. */
export type ReadyListener = (info: { historyChanged: boolean }) => void;

/** How things stand. */
export type LinkStatus = ShardStatus;

/**
 * One process and its Redis, whatever that consists of: one server, one that Redis Sentinel names,
 * or a Redis Cluster. A call that belongs to a key goes to the key's shard; what a server has by
 * itself (its history, its replicas, WAIT) is asked of `shardOf` a key.
 */
export class RedisLink {
  readonly write: Redis;
  /** For appends followed by WAIT; see `Shard`. */
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
  readonly #topology: Topology;
  readonly #readyListeners = new Set<ReadyListener>();
  readonly #arrivalListeners = new Set<ShardArrivalListener>();
  readonly #unobserve: () => void;

  private constructor(
    private readonly options: ResolvedOptions,
    private readonly deps: LinkDeps,
  ) {
    const { metrics = silentMetrics } = deps;
    const onAdmitted = (historyChanged: boolean): void => this.#admitted(historyChanged);
    const onArrival: ShardArrivalListener = async (...arrival) => {
      for (const listener of this.#arrivalListeners) await listener(...arrival);
    };
    this.#topology = openTopology(options, { ...deps, onAdmitted, onArrival });
    const { write, durable, read, entries, lent } = this.#topology;
    [this.write, this.durable, this.read, this.entries] = [write, durable, read, entries];
    this.lent = lent;
    this.keyPrefix = options.keyPrefix;
    this.db = options.db;
    this.#unobserve = observeShards(metrics, () => this.shards.map(({ observed }) => observed));
  }

  /**
   * Connects, checks that the servers can be used and logs what is worth knowing about them. Where
   * it fails, nothing is left behind: no connection and no timer.
   *
   * @throws RedisStartError with several lines on what is wrong and what to do
   */
  static async connect(options: RedisOptions, deps: LinkDeps): Promise<RedisLink> {
    const resolved = resolveOptions(options);
    const link = new RedisLink(resolved, deps);
    try {
      await link.#topology.start();
      return link;
    } catch (error) {
      await link.close();
      if (!(error instanceof RedisUnavailable || error instanceof UnknownOutcome)) throw error;
      throw explainConnectFailure({ ...resolved, error, timeoutMs: resolved.connectTimeoutMs });
    }
  }

  /** All shards, each with connections of its own; there is one at the least. */
  get shards(): readonly Shard[] {
    return this.#topology.shards;
  }

  /** The shard that has a key or channel, by the part of its name in braces. */
  shardOf(key: string): Shard {
    return this.#topology.shardOf(key);
  }

  /**
   * Listens to a channel on the shard that has it; it is subscribed again after a reconnect. See
   * `Subscriber.subscribe`.
   */
  subscribe(
    channel: string,
    listener: MessageListener,
    options?: SubscribeOptions,
  ): Promise<Unsubscribe> {
    return this.subscribeBytes(channel, (message) => listener(message.toString()), options);
  }

  /** As `subscribe`, for messages that are no text. */
  subscribeBytes(
    channel: string,
    listener: BytesListener,
    options?: SubscribeOptions,
  ): Promise<Unsubscribe> {
    return this.shardOf(channel).subscribe(channel, listener, options);
  }

  /**
   * Calls the listener after each time the write connection of a shard was made again.
   * `historyChanged` says that the server restarted or another was promoted, so that acknowledged
   * writes may be gone.
   *
   * @returns a function that takes the listener back
   */
  onReady(listener: ReadyListener): () => void {
    this.#readyListeners.add(listener);
    return () => void this.#readyListeners.delete(listener);
  }

  /** As of a shard; true where it is so of any. */
  get keepsOnlySnapshots(): boolean {
    return this.shards.some((shard) => shard.keepsOnlySnapshots);
  }

  /**
   * Opens a connection for jobs, which whoever asks for it closes; see `JobConnectionKind`.
   *
   * @param key a key of the jobs, or the start of one with the part in braces
   */
  openJobConnection<Kind extends JobConnectionKind>(kind: Kind, key: string): JobConnections[Kind] {
    const place = this.#topology.placeOf(key);
    return openJobConnection(this.options, kind, { ...this.deps, place });
  }

  /**
   * Has a Redis of our own write its append-only file anew if most of it is dead.
   *
   * @returns the sizes that were the reason; null where there was none
   * @throws as `write`
   */
  rewriteDeadFile(): Promise<AofSizes | null> {
    return this.#first.rewriteDeadFile();
  }

  /** Opens a connection for commands on a key that wait, which whoever asks for it closes. */
  openBlockingConnection(key: string): BlockingConnection {
    const place = this.#topology.placeOf(key);
    const write = (): Redis => this.shardOf(key).write;
    return openBlockingConnection(this.options, { ...this.deps, place, write });
  }

  /** The history that the server was on when it was last looked at; of several, the first's. */
  get history(): HistoryToken {
    return this.#first.history;
  }

  /** The history of each shard. */
  get histories(): HistoryToken[] {
    return this.shards.map(({ history }) => history);
  }

  /** Keys are in several places, and what is to be read of many of them is asked one by one. */
  get isCluster(): boolean {
    return this.options.topology.kind === 'cluster';
  }

  /**
   * Calls the listener when a server has come back with another history, before any other
   * connection to it may be used: until it is done, commands fail with RedisUnavailable
   * 'recovering'.
   *
   * @returns a function that takes the listener back
   */
  onArrival(listener: ShardArrivalListener): () => void {
    this.#arrivalListeners.add(listener);
    return () => void this.#arrivalListeners.delete(listener);
  }

  /**
   * Refuses every command with `reason` from now on, until the arrival listeners, which are called
   * again and again, no longer fail.
   */
  suspect(reason: RedisUnavailable): void {
    for (const shard of this.shards) shard.suspect(reason);
  }

  /** Of several shards: connected where all are, with as many replicas as the worst has. */
  status(): LinkStatus {
    const [first, ...others] = this.shards.map((shard) => shard.status());
    if (others.length === 0) return first!;
    const all = [first!, ...others];
    const replicas = all.flatMap((one) => one.replicas ?? []);
    return {
      ...first!,
      connected: all.every(({ connected }) => connected),
      replicas: replicas.length === 0 ? null : Math.min(...replicas),
    };
  }

  /**
   * How much memory the servers use, and may use.
   *
   * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  async memory(): Promise<ServerMemory> {
    return totalMemory(await Promise.all(this.shards.map((shard) => shard.memory())));
  }

  /** As of a shard; of several, that of the one with the fewest. */
  async replicaCount(): Promise<number> {
    return Math.min(...(await Promise.all(this.shards.map((shard) => shard.replicaCount()))));
  }

  /** Ends all connections. What is outstanding is rejected; later commands are refused. */
  async close(): Promise<void> {
    this.#unobserve();
    this.#readyListeners.clear();
    await this.#topology.close();
  }

  get #first(): Shard {
    return this.shards[0]!;
  }

  #admitted(historyChanged: boolean): void {
    for (const listener of this.#readyListeners) {
      try {
        listener({ historyChanged });
      } catch (error) {
        const { stack } = error as Error;
        this.deps.log.error('a listener to Redis being there again failed', { error: stack });
      }
    }
  }
}
