import {
  silentMetrics,
  type Clock,
  type Counter,
  type Logger,
  type Metrics,
  type Random,
} from '@sluice/base';
import {
  attempt,
  RedisStartError,
  RedisUnavailable,
  type HistoryToken,
  type Redis,
  type RedisLink,
  type Shard,
} from '@sluice/redis';
import { ensureClusterId } from '../cluster-id';
import { registryKeys, type PartitionRef } from '../keys';
import { logMetrics } from '../metrics';
import { partitionLimits, type PartitionLimits } from '../partition-limits';
import { skipProducerIdsScript } from '../scripts';
import { EmptiedServers } from './emptied-servers';
import { KnownEnds } from './known-ends';
import { recoverAll, recoverKnown, type Recovered, type RecoveryScope } from './recover';
import { reservationTerms } from './reservation';
import { OtherWriters } from './other-writers';
import {
  checkRegistryFormat,
  knows,
  Writers,
  type WriterEntry,
  type WritersState,
} from './writers';

/** A server that may have lost its last writes. */
interface Arrival {
  shard: Shard;
  /** A connection to it. */
  redis: Redis;
  /** For the keys of the registry, which another server may have. */
  registry: Redis;
  history: HistoryToken;
}

/** What a log's history is kept with. */
export interface LogHistoryOptions {
  clock: Clock;
  log: Logger;
  random: Random;
  metrics?: Metrics;
  /** Begin anew where a gateway has found that Redis no longer has its data. */
  acceptEmptyRedis?: boolean;
  /** `partitionLimits`, with another value for tests. */
  limits?: PartitionLimits;
}

/**
 * Keeps a process and its Redis of one mind about what has been written. A Redis that was restarted
 * or replaced may lack its last writes, although they were acknowledged. Their offsets must not be
 * given to other records, for a consumer that stands behind them would pass over those without a
 * word. So before anything else is done with such a server, its partitions go on where they are
 * known to have ended, or, for whoever does not know, where they may have
 * (docs/decisions/07-offsets-after-a-loss.md).
 */
export class LogHistory {
  /** How far the logs reached that this process has appended to. */
  readonly ends = new KnownEnds();
  #clusterId = '';
  #topicCount = (): number => 0;
  #toldGone = false;
  #opening: Promise<void> | null = null;
  #open = (): void => undefined;
  /** The entry is on its way, over a connection other than that of the word of its end. */
  #entering: Promise<unknown> | null = null;
  #isStopped = false;
  readonly #moved: Counter;
  readonly #skippedOffsets: Counter;
  readonly #token: string;
  readonly #writers: Writers;
  readonly #others: OtherWriters;
  readonly #emptied: EmptiedServers;
  readonly #undo: () => void;
  /** On which history each shard was when it came back last. */
  readonly #arrivals = new WeakMap<Shard, HistoryToken>();

  constructor(
    private readonly redis: RedisLink,
    private readonly options: LogHistoryOptions,
  ) {
    const { metrics = silentMetrics, limits = partitionLimits, clock, log } = options;
    this.#moved = metrics.counter(logMetrics.recoveredPartitions);
    this.#skippedOffsets = metrics.counter(logMetrics.skippedOffsets);
    this.#token = options.random.uuid();
    const writers = new Writers(this.#keys);
    this.#writers = writers;
    this.#others = new OtherWriters({ redis, writers, token: this.#token, clock, log, limits });
    this.#emptied = new EmptiedServers({ redis, clock, log });
    this.#undo = redis.onArrival((...arrival) => this.#arrived(...arrival));
  }

  /** The id of the cluster; see `ensureClusterId`. */
  get clusterId(): string {
    return this.#clusterId;
  }

  /** Resolves when this process may append; null where it may at once. */
  get opening(): Promise<void> | null {
    return this.#opening;
  }

  /** How many topics there should be, for the log line that says that they are gone. */
  countTopicsBy(count: () => number): void {
    this.#topicCount = count;
  }

  /**
   * To be done before anything else is read or written: looks at who wrote last, and makes every
   * partition ready where something may have been lost.
   *
   * @throws RedisStartError when Redis was emptied, or was written by a newer version;
   *   RedisUnavailable | UnknownOutcome when it cannot be asked
   */
  async start(): Promise<void> {
    const { write: redis, histories, shards } = this.redis;
    await checkRegistryFormat(redis, this.#keys);
    const isNew = (await this.#storedClusterId(redis)) === null;
    if (isNew) await this.#checkEmptied(redis);
    this.#clusterId = await ensureClusterId(this.redis, this.options.random);
    const state = await this.#writers.read(redis);
    const enteredAtMs = await this.#others.enter(redis, histories);
    this.#others.start();
    if (isNew) return;
    const behind = shards.filter(({ history }) => this.#mayHaveLost(state, history));
    for (const shard of behind) {
      const { write, history } = shard;
      await this.#recoverAll({ shard, redis: write, registry: redis, history }, state.writers);
    }
    if (behind.length < shards.length) this.#openLater(state, enteredAtMs);
    await Promise.all(shards.map((shard) => this.#checkShard(shard)));
  }

  /**
   * The process has made its last append. Its Redis may be stopped from now on, and nothing is
   * taken for lost. Safe while Redis is away.
   */
  async stop(): Promise<void> {
    this.#undo();
    this.#open();
    this.#isStopped = true;
    await Promise.all([this.#others.stop(), this.#entering?.catch(() => {})]);
    if (this.#clusterId === '') return;
    try {
      await this.#writers.stopped(this.redis.write, this.#token, this.redis.histories);
    } catch (error) {
      // The next start takes it that the last moments may be lost, which is safe.
      this.options.log.warn('Redis was not told that this gateway stops', {
        error: (error as Error).message,
      });
    }
  }

  /**
   * Makes sure that Redis still has this cluster's data, for whoever missed something there.
   *
   * @throws RedisUnavailable 'emptied' when it does not; then every command is refused from now on
   */
  async verify(): Promise<void> {
    this.check(await this.#storedClusterId(this.redis.read));
  }

  /**
   * As `verify`, for whoever missed a partition: most likely it was deleted.
   *
   * @throws as `verify`; where one server of several was emptied, commands to that one are refused
   */
  async missed(ref: PartitionRef): Promise<void> {
    await this.verify();
    await this.#emptied.missed(ref);
  }

  /** As `verify`, of the cluster id that was just read; null: there is none. */
  check(clusterId: string | null): void {
    if (this.#clusterId === '' || clusterId === this.#clusterId) return;
    const reason = this.#gone(clusterId);
    this.redis.suspect(reason);
    throw reason;
  }

  get #keys() {
    return registryKeys(this.redis.keyPrefix, this.redis.db);
  }

  get #reservation(): string {
    return reservationTerms(this.options.limits ?? partitionLimits, this.redis);
  }

  #storedClusterId(redis: Redis): Promise<string | null> {
    return attempt('log.cluster-id', redis.get(this.#keys.clusterId));
  }

  async #checkEmptied(redis: Redis): Promise<void> {
    const stored = await attempt('log.emptied', redis.get(this.#keys.emptied));
    if (stored === null) return;
    const { clusterId, topics } = JSON.parse(stored) as { clusterId: string; topics: number };
    if (this.options.acceptEmptyRedis === true) {
      await attempt('log.emptied', redis.unlink(this.#keys.emptied));
      return this.options.log.warn('begins anew on an emptied Redis', { clusterId, topics });
    }
    const message =
      `This Redis was emptied: cluster ${clusterId} and its ${topics} topics are gone.\n` +
      'Restore its data, or begin anew with --accept-empty-redis. Consumers that know offsets of ' +
      'the old topics would then pass over new records, so reset their groups.';
    throw new RedisStartError('emptied', message);
  }

  /** As `#checkEmptied`, for a server that does not have the registry. */
  #checkShard(shard: Shard): Promise<void> {
    if (this.options.acceptEmptyRedis !== true) return this.#emptied.refuse(shard);
    return this.#emptied.beginAnew(shard, this.#reservation);
  }

  /** Whether the last writes of anybody may be missing. */
  #mayHaveLost({ writers, stoppedOn }: WritersState, history: HistoryToken): boolean {
    if (writers.some(({ histories }) => !knows(histories, history))) return true;
    if (writers.length > 0 || stoppedOn === null) return false;
    // The last snapshot may be older than a whole life of a gateway, which then left no trace.
    return this.redis.keepsOnlySnapshots && !knows(stoppedOn, history);
  }

  /**
   * Where everybody before had stopped in good order, Redis may lose the entry of this process for
   * as long as it is new, together with what was appended since: nobody would know that anything
   * was. So appends wait for so long, or until the entry is surely kept. The entry of one that was
   * killed tells as well.
   */
  #openLater({ writers }: WritersState, enteredAtMs: number): void {
    const { lossMsMax } = this.options.limits ?? partitionLimits;
    const oldestMs = Math.min(enteredAtMs, ...writers.map((writer) => writer.enteredAtMs));
    const leftMs = Math.min(lossMsMax, oldestMs + lossMsMax - enteredAtMs);
    if (leftMs <= 0) return;
    this.#opening = new Promise((resolve) => {
      const timer = this.options.clock.setTimer(leftMs, () => this.#open());
      this.#open = () => {
        timer.cancel();
        this.#opening = null;
        resolve();
      };
    });
    void this.#openWhenKept(leftMs);
  }

  async #openWhenKept(timeoutMs: number): Promise<void> {
    const shard = this.redis.shardOf(this.#keys.writers);
    const { histories } = this.redis;
    try {
      const enter = async (redis: Redis): Promise<void> => {
        // Behind the word of its end it would be an entry of nobody.
        if (this.#isStopped) return;
        this.#entering = this.#others.enter(redis, histories);
        await this.#entering;
      };
      if (await shard.keep(enter, timeoutMs)) this.#open();
    } catch {
      // Redis is away; what was entered is there or not, and time passes.
    }
  }

  /** A server has come back with another history, and nothing else may be done with it yet. */
  async #arrived(redis: Redis, history: HistoryToken, shard: Shard): Promise<void> {
    if (this.#clusterId === '') return;
    // Another server may have the registry, and then is asked as always.
    const hasRegistry = this.redis.shardOf(this.#keys.clusterId) === shard;
    const registry = hasRegistry ? redis : this.redis.write;
    const clusterId = await this.#storedClusterId(registry);
    if (clusterId !== this.#clusterId) {
      await this.#markEmptied(registry, clusterId);
      throw this.#gone(clusterId);
    }
    const arrival = { shard, redis, registry, history };
    await this.#emptied.check(shard, { redis, registry });
    this.#toldGone = false;
    await checkRegistryFormat(registry, this.#keys);
    const { writers } = await this.#writers.read(registry);
    const isKnown = writers.some(({ token }) => token === this.#token);
    // A state from before this process began lacks what others wrote before it, too.
    if (!isKnown) await this.#recoverAll(arrival, writers);
    this.#tell(await recoverKnown(this.#scope(arrival), this.ends));
    await this.#others.enter(registry, this.#historiesWith(shard, history));
    const notBack = await this.#others.notBack(registry, history);
    if (notBack.length > 0) await this.#recoverAll(arrival, notBack);
  }

  /** Those that were entered last, with another one of a shard. */
  #historiesWith(shard: Shard, history: HistoryToken): HistoryToken[] {
    this.#arrivals.set(shard, history);
    return this.redis.shards.map((one) => this.#arrivals.get(one) ?? one.history);
  }

  /** Also for what these writers may have lost; those of them of another history are gone then. */
  async #recoverAll(arrival: Arrival, writers: readonly WriterEntry[]): Promise<void> {
    const { log } = this.options;
    const { registry, history } = arrival;
    log.warn('Redis may have lost its last writes; all partitions are made ready for that');
    const recovered = await recoverAll(this.#scope(arrival));
    const { producerIdsSkipped: count } = partitionLimits;
    await skipProducerIdsScript.call(registry, this.#keys, { count });
    this.#tell(recovered);
    const past = writers.filter(({ histories }) => !knows(histories, history));
    // Of several servers, others may still lack what such a writer wrote there.
    if (this.redis.shards.length > 1) {
      for (const one of past) await this.#writers.madeReady(registry, one, history);
      return;
    }
    await this.#writers.remove(
      registry,
      past.map(({ token }) => token),
    );
  }

  #tell({ partitions, moved, skippedOffsets }: Recovered): void {
    if (moved === 0) return;
    this.#moved.add(moved);
    this.#skippedOffsets.add(skippedOffsets);
    this.options.log.warn('offsets that may have been given to lost records are left out', {
      partitions,
      moved,
      skippedOffsets,
    });
  }

  #scope({ shard, redis, registry, history }: Arrival): RecoveryScope {
    const { clock, log } = this.options;
    const { keyPrefix } = this.redis;
    return {
      redis,
      registry,
      isHere: (key) => this.redis.shardOf(key) === shard,
      keyPrefix,
      history: `${history.runId}/${history.replicationId}`,
      reservation: this.#reservation,
      clock,
      log,
    };
  }

  /** So that a gateway that starts later knows, too. */
  async #markEmptied(redis: Redis, clusterId: string | null): Promise<void> {
    if (clusterId !== null) return;
    const text = JSON.stringify({ clusterId: this.#clusterId, topics: this.#topicCount() });
    await attempt('log.emptied', redis.setnx(this.#keys.emptied, text));
  }

  #gone(found: string | null): RedisUnavailable {
    const what = found === null ? 'is empty' : `has the data of another cluster, ${found}`;
    const message = `Redis ${what}: cluster ${this.#clusterId} is gone`;
    if (!this.#toldGone) {
      this.#toldGone = true;
      this.options.log.error(`${message}. Every request is refused until its data is back`, {
        topics: this.#topicCount(),
        otherwise: 'restart the gateway with --accept-empty-redis to begin anew',
      });
    }
    return new RedisUnavailable('emptied', message);
  }
}
