import {
  Lifecycle,
  silentLogger,
  silentMetrics,
  systemClock,
  systemRandom,
  TroubleLog,
  type Clock,
  type Logger,
  type Metrics,
  type Part,
  type Random,
  type Timer,
} from '@sluice/base';
import { confirmationOf, LogHistory, PartitionStore, ProducerIds, TopicCatalog } from '@sluice/log';
import { RedisLink, RedisStartError, RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { connectionLimits } from './connection-limits';
import {
  resolveConnectionOptions,
  type ResolvedConnectionOptions,
  type StreamsConnectionOptions,
} from './connection-options';
import { PartitionWriters, type PartitionWritersOptions } from './partition-writers';
import { TopicMaker } from './topic-maker';

/** What a connection needs from outside; what is missing is the machine's own, and silent. */
export interface StreamsPorts {
  log: Logger;
  clock: Clock;
  random: Random;
  metrics: Metrics;
}

/** The log as a connected process has it. */
export interface ConnectedLog {
  readonly redis: RedisLink;
  readonly catalog: TopicCatalog;
  readonly store: PartitionStore;
  readonly producerIds: ProducerIds;
  /** The one line of appends of the process to each partition. */
  readonly writers: PartitionWriters;
  /** How topics and Redis say that a record is for readers. */
  readonly confirming: Omit<PartitionWritersOptions, 'store' | 'log'>;
  readonly topics: TopicMaker;
  readonly clusterId: string;
}

/** The connection was closed, or is being closed. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';

  constructor() {
    super('the connection to the log is closed');
  }
}

/**
 * A process' way to the log, straight on Redis: for producers, consumers and whoever else there is
 * in it, which share one. As a gateway does, it refuses a Redis that cannot be used, and is among
 * those who may have written: after a loss of writes no offset is given twice.
 */
export class StreamsConnection {
  readonly options: ResolvedConnectionOptions;
  readonly ports: StreamsPorts;
  #connecting: Promise<ConnectedLog> | null = null;
  #connected: ConnectedLog | null = null;
  #base: Lifecycle | null = null;
  readonly #users: Lifecycle;
  #closing: Promise<void> | null = null;
  #endPause: (() => void) | null = null;

  constructor(options: StreamsConnectionOptions = {}, ports: Partial<StreamsPorts> = {}) {
    this.options = resolveConnectionOptions(options);
    this.ports = {
      log: silentLogger,
      clock: systemClock,
      random: systemRandom,
      metrics: silentMetrics,
      ...ports,
    };
    this.#users = new Lifecycle(this.ports);
  }

  /** The log, once it is connected; null before and after. */
  get connected(): ConnectedLog | null {
    return this.#connected;
  }

  /**
   * Connects, once: further calls wait for the same. After a failure the next call tries anew.
   *
   * @throws RedisStartError that says what is wrong and what to do; ConnectionClosed
   */
  connect(): Promise<ConnectedLog> {
    if (this.#closing !== null) return Promise.reject(new ConnectionClosed());
    if (this.#connecting === null) {
      const connecting = this.#connect();
      this.#connecting = connecting;
      connecting.catch(() => (this.#connecting = null));
    }
    return this.#connecting;
  }

  /**
   * Takes who uses the connection, to be stopped before it is closed, the last first.
   *
   * @returns lets go of one that has ended by itself; each is to call it, for a process may make
   *   many of them
   */
  own(part: Part): () => void {
    return this.#users.own(part);
  }

  /** Stops those who use it, then closes it. Repeated calls wait for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#endPause?.();
    await this.#users.stop();
    await this.#connecting?.catch(() => undefined);
    this.#connected = null;
    await this.#base?.stop();
  }

  async #connect(): Promise<ConnectedLog> {
    let told = false;
    for (;;) {
      try {
        return (this.#connected = await this.#open());
      } catch (error) {
        if (this.#closing !== null) throw new ConnectionClosed();
        if (!this.options.waitForRedis || !mayPass(error)) throw error;
        const { message } = error as Error;
        const line = 'Redis is not there yet; it is waited for';
        this.ports.log[told ? 'debug' : 'warn'](line, { error: message });
        told = true;
      }
      await this.#pause();
      if (this.#closing !== null) throw new ConnectionClosed();
    }
  }

  async #open(): Promise<ConnectedLog> {
    const { clock, log, random, metrics } = this.ports;
    const base = new Lifecycle({ clock, log });
    try {
      const { redisUrl: url, keyPrefix, tls } = this.options;
      const redis = await RedisLink.connect({ url, keyPrefix, tls }, { log, clock, metrics });
      base.own({ name: 'the connections to Redis', stop: () => redis.close() });
      const { acceptEmptyRedis } = this.options;
      const history = new LogHistory(redis, { acceptEmptyRedis, clock, random, log, metrics });
      base.own({ name: 'the history of the log', stop: () => history.stop() });
      await history.start();
      const catalog = new TopicCatalog(redis, { clock, random, log, metrics, history });
      const [start, stop] = [() => catalog.start(), () => catalog.stop()];
      base.own({ name: 'the topics', start, stop });
      const made = this.#madeOf({ redis, history, catalog }, base);
      await base.start();
      this.#base = base;
      return made;
    } catch (error) {
      await base.stop();
      throw error;
    }
  }

  #madeOf(
    { redis, history, catalog }: { redis: RedisLink; history: LogHistory; catalog: TopicCatalog },
    base: Lifecycle,
  ): ConnectedLog {
    const { clock, log, metrics } = this.ports;
    const { replicationTimeoutMs, defaultPartitions, autoCreateTopics } = this.options;
    const store = new PartitionStore(redis, { history, metrics });
    const trouble = new TroubleLog({
      clock,
      log,
      message: 'records could not be appended',
      quietMs: connectionLimits.troubleQuietMs,
    });
    const confirming = {
      confirmationOf: (topicId: string) => confirmationOf(catalog, topicId),
      replicationTimeoutMs,
      trouble,
    };
    const writers = new PartitionWriters({ store, log, ...confirming });
    const unlisten = catalog.on('change', ({ deleted }) => {
      if (deleted) writers.forget(deleted.id);
    });
    const stop = (): void => {
      unlisten();
      writers.close();
      trouble.stop();
    };
    base.own({ name: 'the lines of appends', stop });
    const defaults = { partitions: defaultPartitions, create: autoCreateTopics };
    return {
      redis,
      catalog,
      store,
      producerIds: new ProducerIds(redis, history, metrics),
      writers,
      confirming,
      topics: new TopicMaker(catalog, defaults),
      clusterId: history.clusterId,
    };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        resolve();
      };
      const timer: Timer = this.ports.clock.setTimer(connectionLimits.connectRetryMs, end);
      this.#endPause = end;
    });
  }
}

/** Whether a start that failed may succeed later by itself. */
function mayPass(error: unknown): boolean {
  if (error instanceof RedisUnavailable || error instanceof UnknownOutcome) return true;
  if (!(error instanceof RedisStartError)) return false;
  return error.problem === 'unreachable' || error.problem === 'loading';
}
