import { silentMetrics, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import type { Topic, TopicCatalog } from '@sluice/log';
import { RedisUnavailable, UnknownOutcome, type RedisLink } from '@sluice/redis';
import type {
  BrokerAddress,
  BrokerInfo,
  Cluster,
  ClusterChange,
  ClusterOutcome,
  Placement,
} from './api';
import { Controller } from './controlling/controller';
import { LeaderChanges } from './controlling/leader-changes';
import { clusterLimits, type ClusterLimits } from './limits';
import { Membership, type MemberOptions } from './membership/membership';
import { clusterMetrics } from './metrics';
import { ClusterStore } from './store/cluster-store';
import { ClusterFeed } from './view/cluster-feed';
import { infoOf } from './view/cluster-state';
import { coordinatorsTopicId, slotOfGroup } from './view/group-slot';
import { until } from './view/until';

/** What a gateway's cluster works with. */
export interface GatewayClusterDeps {
  redis: RedisLink;
  /** Started before `join`. */
  catalog: TopicCatalog;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics?: Metrics;
  limits?: Partial<ClusterLimits>;
}

/**
 * One gateway among all on the same Redis. Each holds a session there; one of them is the
 * controller, and gives every partition and every group a leader among those that are there. All of
 * that is in Redis, and every change of it is one script that compares who makes it.
 */
export class GatewayCluster implements Cluster {
  readonly #limits: ClusterLimits;
  readonly #feed: ClusterFeed;
  readonly #membership: Membership;
  readonly #controller: Controller;
  readonly #changes: LeaderChanges;
  readonly #undo: (() => void)[] = [];
  #infos: readonly BrokerInfo[] = [];
  #isStarted = false;

  constructor(
    private readonly deps: GatewayClusterDeps,
    options: MemberOptions,
  ) {
    const { redis, clock, random, log, metrics = silentMetrics } = deps;
    const limits = { ...clusterLimits, ...deps.limits };
    this.#limits = limits;
    const store = new ClusterStore(redis, limits);
    const feed = new ClusterFeed({ redis, store, clock, log, limits });
    this.#feed = feed;
    const controller = new Controller({ ...deps, store, feed, metrics, limits });
    this.#controller = controller;
    const lost = metrics.counter(clusterMetrics.sessionsLost).with({});
    this.#membership = new Membership(
      {
        store,
        clock,
        random,
        log,
        limits,
        beforeTrust: () => feed.refresh(),
        knownVersion: () => feed.state.version,
        onBeat: (beat, knownVersion) => {
          feed.compare(beat, knownVersion);
          controller.heard(beat);
        },
        onLost: () => {
          lost.add(1);
          controller.heard({ fence: null, endsInMs: -1 });
        },
      },
      options,
    );
    this.#changes = new LeaderChanges({ store, feed, controller, limits });
    this.#undo.push(
      feed.onChange((change) => this.#changed(change)),
      redis.onReady(() => this.#membership.beatSoon()),
      ...this.#observe(metrics),
    );
  }

  get selfId(): number {
    return this.#membership.id;
  }

  get controllerId(): number {
    return this.#feed.state.controllerId;
  }

  get isSure(): boolean {
    return this.#membership.isSure;
  }

  brokers(): readonly BrokerInfo[] {
    return this.#infos;
  }

  placementsOf({ id, partitions }: Topic): readonly Placement[] {
    return this.#feed.state.placements(id, partitions);
  }

  placementOf({ id }: Topic, partition: number): Placement {
    return this.#feed.state.placement(id, partition);
  }

  coordinatorOf(groupId: string): number {
    return this.#coordinator(groupId).leaderId;
  }

  coordinatorEpochOf(groupId: string): number | null {
    const { leaderId, leadership } = this.#coordinator(groupId);
    return leaderId === this.selfId && this.isSure ? leadership : null;
  }

  onChange(listener: (change: ClusterChange) => void): () => void {
    return this.#feed.onChange(listener);
  }

  async join(address: BrokerAddress): Promise<void> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      await this.#feed.start();
      this.#controller.start();
    }
    await this.#membership.join(address);
    // As the controller this gateway has all partitions led before anybody asks for them.
    await this.#controller.settled();
    await this.#feed.untilOwnKnown();
    const { id, host, port } = this.#membership.own!;
    const brokers = this.#infos.map((broker) => broker.id);
    this.deps.log.info('is in the cluster', { brokerId: id, host, port, brokers });
  }

  async retire(timeoutMs: number): Promise<void> {
    const { state } = this.#feed;
    const isOther = ({ id, isDraining }: { id: number; isDraining: boolean }): boolean =>
      id !== this.selfId && !isDraining;
    if (this.#membership.session === null || !state.brokers.some(isOther)) return;
    const { clock, log } = this.deps;
    const endMs = clock.monotonicMs() + timeoutMs;
    try {
      if (!(await this.#tellDraining(endMs))) return;
      const isDone = (): boolean => !state.hasLeader(this.selfId) || !state.brokers.some(isOther);
      const leftMs = Math.max(0, endMs - clock.monotonicMs());
      const isInTime = await until(this.#feed, clock, leftMs, isDone);
      if (!isInTime) log.warn('others have not yet taken over all that it leads');
    } catch (error) {
      const { message } = error as Error;
      log.warn('others were not told to take over what it leads', { error: message });
    }
  }

  async leave(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    await this.#controller.stop();
    await this.#membership.leave();
    await this.#feed.stop();
  }

  untilPlaced({ id, partitions }: Topic, timeoutMs: number): Promise<boolean> {
    const isLed = (): boolean =>
      this.#feed.state.placements(id, partitions).every(({ leaderId }) => leaderId >= 0);
    return until(this.#feed, this.deps.clock, timeoutMs, isLed);
  }

  raiseLeadership({ id }: Topic, partition: number, above: number): Promise<void> {
    return this.#raise(id, partition, above);
  }

  raiseCoordinator(groupId: string, above: number): Promise<void> {
    return this.#raise(coordinatorsTopicId, this.#slotOf(groupId), above);
  }

  async electPreferred(
    topic: Topic,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, ClusterOutcome>> {
    const outcomes = await this.#changes.electPreferred(topic, partitions);
    await this.#feed.untilOwnKnown();
    return outcomes;
  }

  async assignReplicas(
    topic: Topic,
    replicas: ReadonlyMap<number, readonly number[]>,
  ): Promise<ClusterOutcome> {
    const outcome = await this.#changes.assignReplicas(topic, replicas);
    await this.#feed.untilOwnKnown();
    return outcome;
  }

  /**
   * Tells the others that this gateway is about to leave. Where Redis is away it is told once more,
   * until `endMs`: who leaves without a word keeps what it leads for as long as its session.
   *
   * @returns as `Membership.drain`
   */
  async #tellDraining(endMs: number): Promise<boolean> {
    const { clock } = this.deps;
    for (;;) {
      try {
        return await this.#membership.drain();
      } catch (error) {
        const isAway = error instanceof RedisUnavailable || error instanceof UnknownOutcome;
        if (!isAway || clock.monotonicMs() + this.#limits.tellRetryMs >= endMs) throw error;
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(this.#limits.tellRetryMs, resolve);
      });
    }
  }

  async #raise(topicId: string, partition: number, above: number): Promise<void> {
    const { session } = this.#membership;
    if (session === null) return;
    await this.#changes.raise(session, topicId, partition, above);
    await this.#feed.untilOwnKnown();
  }

  #coordinator(groupId: string): Placement {
    return this.#feed.state.placement(coordinatorsTopicId, this.#slotOf(groupId));
  }

  #slotOf(groupId: string): number {
    return slotOfGroup(groupId, this.#limits.coordinatorSlots);
  }

  #changed({ brokers }: ClusterChange): void {
    if (!brokers) return;
    const { state } = this.#feed;
    this.#infos = state.brokers.map(infoOf);
    // Whoever comes first is the controller.
    if (state.controllerId < 0) this.#membership.beatSoon();
  }

  #observe(metrics: Metrics): (() => void)[] {
    const { state } = this.#feed;
    const read = {
      brokers: () => state.brokers.length,
      controller: () => (this.#controller.fence === null ? 0 : 1),
      partitionsLed: () => state.ledBy(this.selfId),
      sessionAge: () => this.#membership.ageMs / 1_000,
      sessionSure: () => (this.isSure ? 1 : 0),
    };
    return Object.entries(read).map(([name, value]) =>
      metrics.observe(clusterMetrics[name as keyof typeof read], (tell) => {
        if (this.#isStarted) tell(value());
      }),
    );
  }
}
