import type { BrokerAddress, Cluster } from '@sluice/cluster';
import type { GroupCoordinator } from '@sluice/groups';
import {
  confirmationOf,
  type Idempotency,
  type PartitionStore,
  type ProducerIds,
  type Topic,
  type TopicCatalog,
} from '@sluice/log';
import {
  type Clock,
  type Logger,
  MemoryBudget,
  type Metrics,
  observeMemory,
  silentMetrics,
  TroubleLog,
} from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { Api } from '@sluice/wire';
import './handlers';
import { limits } from './limits';
import { brokerMetrics } from './metrics';
import { LagSampler } from './lag/lag-sampler';
import type { ConnectionServices } from './listener/connection';
import { Listener } from './listener/listener';
import { FramePool } from './listener/frame-pool';
import { RequestMemory } from './listener/request-memory';
import type { BrokerOptions } from './options';
import type { BrokerServices } from './requests/context';
import { AutoCreation } from './requests/auto-creation';
import { RequestMeter } from './requests/request-meter';
import {
  Interceptions,
  type InterceptAction,
  type Interception,
  type InterceptOptions,
} from './requests/interceptions';
import { HotMemory } from './partitions/hot-memory';
import { Partitions } from './partitions/partitions';
import { TrafficMeter } from './partitions/traffic-meter';
import { AppendLines } from './examiner/append-lines';
import { Examiner } from './examiner/examiner';
import { RecordsDoor } from './records-door/records-door';

/** What a broker is made of; whoever makes these also closes them, after the broker has stopped. */
export interface BrokerParts {
  options: BrokerOptions;
  redis: RedisLink;
  cluster: Cluster;
  catalog: TopicCatalog;
  store: PartitionStore;
  groups: GroupCoordinator;
  producerIds: ProducerIds;
  idempotency: Idempotency;
  clusterId: string;
  clock: Clock;
  log: Logger;
  metrics?: Metrics;
}

/**
 * A gateway's Kafka door: the listener, the partitions that it leads, and the requests in between.
 */
export class Broker {
  /** The same partitions for who speaks no Kafka. */
  readonly records: RecordsDoor;
  /** What the Kafka door works with, for doors beside it. */
  readonly services: BrokerServices;
  private readonly partitions: Partitions;
  private readonly appendTrouble: TroubleLog;
  private readonly listener: Listener;
  private readonly examiner: Examiner;
  private readonly autoCreation: AutoCreation;
  private readonly interceptions = new Interceptions();
  private readonly unsubscribe: (() => void)[] = [];
  private readonly lag: LagSampler;
  private readonly unobserve: readonly (() => void)[];
  private listeningPort = 0;
  private isStopping = false;

  constructor(private readonly parts: BrokerParts) {
    const { options, store, cluster, clock, log, metrics = silentMetrics } = parts;
    this.autoCreation = new AutoCreation({ clock, log });
    this.appendTrouble = new TroubleLog({
      clock,
      log,
      message: 'appends fail, and their producers are told so',
      quietMs: limits.troubleQuietMs,
      level: 'error',
    });
    const hotMemory = new HotMemory(options.hotBytesMax);
    const readAheadBudget = new MemoryBudget(limits.readAheadTotalBytesMax);
    this.partitions = new Partitions({
      store,
      cluster,
      clock,
      hotMemory,
      readAheadBudget,
      traffic: new TrafficMeter(metrics),
      replicationTimeoutMs: options.replicationTimeoutMs,
      confirmationOf: (topicId) => confirmationOf(parts.catalog, topicId),
      log,
      appendTrouble: this.appendTrouble,
    });
    this.examiner = new Examiner({ clock, log, metrics });
    const services: ConnectionServices = {
      ...parts,
      metrics,
      requestMeter: new RequestMeter(metrics),
      waitingFetches: { count: 0 },
      examiner: this.examiner,
      lines: new AppendLines(),
      partitions: this.partitions,
      fetchBudget: new MemoryBudget(limits.fetchReplyBytesMax),
      requestMemory: new RequestMemory(options.inFlightBytesMax),
      framePool: new FramePool(),
      autoCreation: this.autoCreation,
      interceptions: this.interceptions,
    };
    this.services = services;
    this.listener = new Listener(services);
    this.lag = new LagSampler({ ...parts, metrics });
    const produceBudget = new MemoryBudget(limits.produceBytesMax);
    this.records = new RecordsDoor({ ...services, idempotency: parts.idempotency, produceBudget });
    const { fetchBudget, requestMemory, waitingFetches } = services;
    this.unobserve = [
      metrics.observe(brokerMetrics.partitionsInMemory, (tell) => tell(this.partitions.count)),
      metrics.observe(brokerMetrics.waitingFetches, (tell) => tell(waitingFetches.count)),
      observeMemory(metrics, {
        ...requestMemory.parts,
        fetch_replies: fetchBudget,
        hot_batches: hotMemory,
        read_ahead: readAheadBudget,
        repacked_batches: this.examiner.repacked,
        http_produce: produceBudget,
      }),
    ];
  }

  /** Open client connections. */
  get connectionCount(): number {
    return this.listener.connectionCount;
  }

  /** Whether clients can connect: from the start to the stop. */
  get isListening(): boolean {
    return this.listeningPort !== 0 && !this.isStopping;
  }

  /** The port that it listens on; 0 before the start. */
  get port(): number {
    return this.listeningPort;
  }

  /**
   * For tests: drops, delays, answers or counts the requests of one API that come from now on. A
   * request that was already received is not touched.
   */
  intercept<A extends Api>(
    api: A,
    action: InterceptAction<A>,
    options?: InterceptOptions<A>,
  ): Interception {
    return this.interceptions.add(api, action, options);
  }

  /**
   * Takes the port, joins the cluster and serves; resolves with the port. Rejects with the system's
   * error when it cannot listen, and as `Cluster.join`.
   */
  async start(): Promise<number> {
    const { options, catalog, groups, redis, log } = this.parts;
    const onTopic = (event: { deleted?: Topic }) => {
      if (!event.deleted) return;
      this.partitions.drop(event.deleted);
      groups.removeTopicOffsets(event.deleted.id).catch((error: unknown) => {
        log.warn('offsets of a deleted topic are still there', { error: String(error) });
      });
    };
    this.unsubscribe.push(
      catalog.on('change', onTopic),
      redis.onReady(({ historyChanged }) => this.partitions.invalidate(historyChanged)),
    );
    this.partitions.start();
    // Whoever has the port may take over what another process on it has left behind.
    const port = await this.listener.listen(options.host, options.port);
    await this.parts.cluster.join(this.addressOn(port));
    this.listener.serve();
    this.listeningPort = port;
    return port;
  }

  /**
   * Gives away what it leads, stops accepting, answers what is under way (at most `shutdownGraceMs`
   * in all), closes the connections and leaves the cluster.
   */
  async stop(): Promise<void> {
    const { cluster, clock, options } = this.parts;
    const endMs = clock.monotonicMs() + options.shutdownGraceMs;
    const wasListening = this.isListening;
    this.isStopping = true;
    // Half of the time is for the requests that are under way then.
    if (wasListening) await cluster.retire(options.shutdownGraceMs / 2);
    for (const unsubscribe of this.unsubscribe.splice(0)) unsubscribe();
    await this.records.stop();
    for (const stop of this.unobserve) stop();
    await this.listener.stop(Math.max(0, endMs - clock.monotonicMs()));
    await cluster.leave();
    await this.lag.stop();
    await this.examiner.stop();
    await this.partitions.stop();
    this.appendTrouble.stop();
    this.autoCreation.stop();
  }

  private addressOn(port: number): BrokerAddress {
    const { advertisedHost: host, advertisedPort = port } = this.parts.options;
    return { host, port: advertisedPort };
  }
}
