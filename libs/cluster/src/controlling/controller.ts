import { Periodic, type Clock, type Counter, type Logger, type Metrics } from '@sluice/base';
import type { TopicCatalog } from '@sluice/log';
import type { ClusterLimits } from '../limits';
import { clusterMetrics } from '../metrics';
import { balanceLeaders } from '../planner/balance';
import { placeLeaders } from '../planner/place';
import type { Plan, PlanInput } from '../planner/plan-input';
import type { Beat, ClusterStore } from '../store/cluster-store';
import { newerLeaders } from '../store/stored-leaders';
import type { ClusterFeed } from '../view/cluster-feed';
import { coordinatorsTopicId } from '../view/group-slot';
import { Assigner } from './assigner';

/** What a controller works with. */
export interface ControllerDeps {
  store: ClusterStore;
  feed: ClusterFeed;
  catalog: TopicCatalog;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  limits: ClusterLimits;
}

/** Why a leadership is given to somebody. */
export type LeadershipReason = 'placed' | 'balanced' | 'asked';

/**
 * What one gateway does as the controller: takes out brokers whose sessions are over, has every
 * partition led, and spreads leaders evenly. It acts under the fence of its tenure, which each of
 * its writes compares; so one that was paused, and believes to be what another is by now, is
 * refused. It can begin and end at any moment, because it remembers nothing that is not in Redis.
 */
export class Controller {
  readonly assigner: Assigner;
  readonly #work: Periodic;
  readonly #given: Counter;
  readonly #undo: (() => void)[] = [];
  /** Topics that may have partitions that nobody leads. */
  #dirty: Set<string> | 'all' = 'all';
  #gone = new Set<string>();
  /** Since when leaders are known of topics that are not. */
  #unknownSinceMs = new Map<string, number>();
  /** Since when brokers are gone that are replicas. */
  #goneSinceMs = new Map<number, number>();
  #fence: string | null = null;
  #isReapDue = false;
  #balanceAtMs = Infinity;
  /** The version of the cluster at which nothing was to be balanced. */
  #evenVersion = -1;
  #waiting: (() => void)[] = [];

  constructor(private readonly deps: ControllerDeps) {
    const { clock, log, limits, metrics } = deps;
    this.assigner = new Assigner(deps);
    this.#given = metrics.counter(clusterMetrics.leaderships);
    this.#work = new Periodic({
      clock,
      log,
      name: 'assigning leaders',
      everyMs: Math.min(limits.balanceEveryMs, limits.sessionMs),
      run: () => this.#run(),
    });
  }

  start(): void {
    const { feed, catalog } = this.deps;
    this.#undo.push(
      feed.onChange(({ brokers, topics }) => {
        if (brokers || topics === 'all') return this.#look('all');
        for (const topicId of topics) if (this.#lacksLeaders(topicId)) this.#look(topicId);
      }),
      catalog.on('change', ({ created, updated, deleted }) => {
        const topicId = (created ?? updated)?.id ?? null;
        if (deleted !== undefined) this.#gone.add(deleted.id);
        if (topicId === null || this.#lacksLeaders(topicId)) this.#look(topicId);
      }),
    );
    this.#work.start();
  }

  async stop(): Promise<void> {
    for (const undo of this.#undo) undo();
    this.#fence = null;
    await this.#work.stop();
    this.#release();
  }

  /** The fence of its tenure; null where this gateway is not the controller. */
  get fence(): string | null {
    return this.#fence;
  }

  /** Takes over what a heartbeat has found. */
  heard({ fence, endsInMs }: Pick<Beat, 'fence' | 'endsInMs'>): void {
    const { log, clock, limits } = this.deps;
    if (fence !== this.#fence) {
      this.#fence = fence;
      log.info(fence === null ? 'is no longer the controller' : 'is the controller now', { fence });
      if (fence === null) return;
      this.#balanceAtMs = clock.monotonicMs() + limits.balanceEveryMs;
      this.#unknownSinceMs.clear();
      this.#goneSinceMs.clear();
      this.#evenVersion = -1;
      this.#gone.clear();
      this.#isReapDue = true;
      this.#look('all');
    } else if (fence !== null && endsInMs === 0) {
      this.#isReapDue = true;
      this.#work.runSoon();
    }
  }

  /** Resolves when what is known now has been acted upon, or could not be. */
  async settled(): Promise<void> {
    if (this.#fence === null) return;
    const ended = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#work.runSoon();
    await ended;
  }

  /** What plans are made from. */
  planInput(): PlanInput {
    const { feed, catalog, limits } = this.deps;
    const { coordinatorSlots, replicasMax } = limits;
    const coordinators = { id: coordinatorsTopicId, partitions: coordinatorSlots };
    const stored = new Map(
      [...feed.state.leaders].map(([topicId, { leaders }]) => [topicId, leaders] as const),
    );
    const topics = [coordinators, ...catalog.list()];
    return { brokers: feed.state.brokers, topics, stored, replicasMax };
  }

  /** Counts leaderships that were given. */
  count(given: number, reason: LeadershipReason): void {
    this.#given.add(given, { reason });
  }

  /** How many leaderships a plan gives. */
  givenBy(plan: Plan): number {
    let given = 0;
    for (const [topicId, { partitions }] of plan) {
      const before = this.deps.feed.state.leaders.get(topicId)?.leaders ?? null;
      const known = before === newerLeaders || before === null ? [] : before.partitions;
      for (const [index, { leadership }] of partitions.entries()) {
        if (known[index]?.leadership !== leadership) given++;
      }
    }
    return given;
  }

  #look(what: string | 'all' | null): void {
    if (what === 'all') this.#dirty = 'all';
    else if (what !== null && this.#dirty !== 'all') this.#dirty.add(what);
    if (this.#fence !== null) this.#work.runSoon();
  }

  #lacksLeaders(topicId: string): boolean {
    const { feed, catalog, limits } = this.deps;
    const leaders = feed.state.leaders.get(topicId)?.leaders ?? null;
    if (leaders === newerLeaders) return false;
    const isCoordinators = topicId === coordinatorsTopicId;
    const count = isCoordinators
      ? limits.coordinatorSlots
      : (catalog.byId(topicId)?.partitions ?? 0);
    return (leaders?.partitions.length ?? 0) < count;
  }

  async #run(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      if (this.#fence !== null) await this.#act(this.#fence);
    } finally {
      for (const resolve of waiting) resolve();
    }
  }

  async #act(fence: string): Promise<void> {
    const { store, feed, catalog, clock, log, limits } = this.deps;
    if (this.#isReapDue) {
      const reaped = await store.reap(fence);
      if (reaped === null) return this.#fenced();
      this.#isReapDue = false;
      if (reaped.length > 0) {
        log.warn('brokers are gone: their sessions are over', { brokers: reaped });
        await feed.refresh();
      }
    }
    // Before the topics were read there are none, and nothing follows from that.
    if (catalog.version < 0) return;
    if (!(await this.#place(fence)) || clock.monotonicMs() < this.#balanceAtMs) return;
    this.#balanceAtMs = clock.monotonicMs() + limits.balanceEveryMs;
    // Also for sessions whose ends cannot be right.
    this.#isReapDue = true;
    await this.#balance(fence);
  }

  /** @returns whether everything is led now */
  async #place(fence: string): Promise<boolean> {
    const dirty = this.#dirty;
    const gone = this.#gone;
    this.#dirty = new Set();
    this.#gone = new Set();
    try {
      const plan =
        dirty !== 'all' && dirty.size === 0
          ? new Map()
          : placeLeaders(this.planInput(), dirty === 'all' ? undefined : dirty);
      return await this.#write(fence, plan, { gone, reason: 'placed' });
    } catch (error) {
      this.#dirty = 'all';
      for (const topicId of gone) this.#gone.add(topicId);
      throw error;
    }
  }

  async #balance(fence: string): Promise<void> {
    const { imbalancePercent, movedShareMax, movedMin } = this.deps.limits;
    const { version } = this.deps.feed.state;
    if (this.#evenVersion === version) return;
    const input = this.planInput();
    const partitions = input.topics.reduce((sum, topic) => sum + topic.partitions, 0);
    const movesMax = Math.max(movedMin, Math.ceil(partitions * movedShareMax));
    const forgotten = this.#forgotten(input);
    const plan = balanceLeaders(input, { imbalancePercent, movesMax, forgotten });
    const gone = this.#unknownTopics();
    // What waits for its time (a broker to be forgotten, a topic to be known) is looked at again.
    const isWaiting = this.#goneSinceMs.size > 0 || this.#unknownSinceMs.size > 0;
    if (plan.size === 0 && !isWaiting) this.#evenVersion = version;
    await this.#write(fence, plan, { gone, reason: 'balanced' });
  }

  /** @returns whether all of it is written */
  async #write(
    fence: string,
    plan: Plan,
    { gone, reason }: { gone: Iterable<string>; reason: LeadershipReason },
  ): Promise<boolean> {
    const given = this.givenBy(plan);
    const outcome = await this.assigner.write(fence, plan, gone);
    if (outcome === 'done') this.count(given, reason);
    if (outcome === 'fenced') this.#fenced();
    if (outcome !== 'stale') return outcome === 'done';
    await this.deps.feed.refresh();
    this.#look('all');
    return false;
  }

  /** Another has become the controller, and the next heartbeat tells which. */
  #fenced(): void {
    this.#fence = null;
    this.#dirty = 'all';
    this.deps.log.info('is no longer the controller, as a write was refused');
  }

  /**
   * Leaders of topics that this gateway does not know, at two looks: others may have heard earlier
   * of one that is new.
   */
  #unknownTopics(): string[] {
    const { feed, catalog, clock, limits } = this.deps;
    const nowMs = clock.monotonicMs();
    const unknown = new Map<string, number>();
    for (const topicId of feed.state.leaders.keys()) {
      if (topicId === coordinatorsTopicId || catalog.byId(topicId) !== undefined) continue;
      unknown.set(topicId, this.#unknownSinceMs.get(topicId) ?? nowMs);
    }
    this.#unknownSinceMs = unknown;
    const isOld = (sinceMs: number): boolean => nowMs - sinceMs >= limits.balanceEveryMs;
    return [...unknown].flatMap(([topicId, sinceMs]) => (isOld(sinceMs) ? [topicId] : []));
  }

  #forgotten({ stored, brokers }: PlanInput): Set<number> {
    const nowMs = this.deps.clock.monotonicMs();
    const live = new Set(brokers.map(({ id }) => id));
    const since = new Map<number, number>();
    for (const leaders of stored.values()) {
      if (leaders === null || leaders === newerLeaders) continue;
      for (const { replicas } of leaders.partitions) {
        for (const id of replicas) {
          if (!live.has(id)) since.set(id, this.#goneSinceMs.get(id) ?? nowMs);
        }
      }
    }
    this.#goneSinceMs = since;
    const { brokerForgottenMs } = this.deps.limits;
    const isLong = (sinceMs: number): boolean => nowMs - sinceMs >= brokerForgottenMs;
    return new Set([...since].flatMap(([id, sinceMs]) => (isLong(sinceMs) ? [id] : [])));
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
