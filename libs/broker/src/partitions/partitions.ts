import type { Cluster, ClusterChange, Placement } from '@sluice/cluster';
import {
  noLeadership,
  type PartitionBounds,
  type PartitionRef,
  type PartitionStore,
  type Topic,
} from '@sluice/log';
import { Periodic } from '@sluice/base';
import { limits } from '../limits';
import { addRates, noRates, type PartitionRates } from './partition-traffic';
import { Partition, type PartitionServices } from './partition';
import { PartitionTable } from './partition-table';

/** Another broker leads it, or nobody at the moment: then its number is −1. */
export type LedElsewhere = Pick<Placement, 'leaderId'>;

/** Where a partition is led: it is here; or elsewhere; undefined: there is no such partition. */
export type Led = Partition | LedElsewhere | undefined;

/** Tells the two apart. */
export function isElsewhere(led: Partition | LedElsewhere): led is LedElsewhere {
  return 'leaderId' in led;
}

const ledByNobody: LedElsewhere = { leaderId: -1 };

/** The partitions that this gateway has lately served; made on first use, forgotten when idle. */
export class Partitions {
  /** Those that it leads, each for the leadership that it has now. */
  private readonly led = new PartitionTable();
  /** Those that need no leadership: other doors than Kafka's use them on any gateway. */
  private readonly others = new PartitionTable();
  /** Of those that it leads, as they were last asked for. */
  private readonly topics = new Map<string, Topic>();
  /** Partitions whose leaderships are being raised, by topic id and index. */
  private readonly raising = new Set<string>();
  private readonly poll: Periodic;
  private readonly sweep: Periodic;
  /** Nobody tells when the gateway's session is not sure any more. */
  private readonly looking: Periodic;
  private wasSure = true;
  private stopFollowing: (() => void) | null = null;

  constructor(private readonly services: PartitionServices & { cluster: Cluster }) {
    const { clock, log } = services;
    this.poll = new Periodic({
      clock,
      log,
      name: 'asking for the ends of logs',
      everyMs: limits.wakePollMs,
      run: () => this.pollWaiting(),
      failureLevel: 'debug',
    });
    this.looking = new Periodic({
      clock,
      log,
      name: 'looking whether the session in the cluster holds',
      everyMs: limits.sessionLookMs,
      run: () => this.lookAtSession(),
    });
    this.sweep = new Periodic({
      clock,
      log,
      name: 'clearing partitions that nobody uses',
      everyMs: limits.idleSweepMs,
      run: () => this.forgetIdle(),
    });
  }

  /** How many are in memory. */
  get count(): number {
    return this.led.count + this.others.count;
  }

  get store(): PartitionStore {
    return this.services.store;
  }

  /** Follows who leads what; starts the slow poll for waiting fetches and the clearing. */
  start(): void {
    this.stopFollowing = this.services.cluster.onChange((change) => this.follow(change));
    this.poll.start();
    this.looking.start();
    this.sweep.start();
  }

  /** Ends all leaderships; what waits is told so. */
  async stop(): Promise<void> {
    this.stopFollowing?.();
    await Promise.all([this.poll.stop(), this.looking.stop(), this.sweep.stop()]);
    for (const partition of this.all()) this.end(partition);
  }

  /**
   * The partition where this gateway leads it, as far as it knows, for what only a leader does;
   * else who does. What is appended is compared in Redis; whoever reads has to look at `isServing`.
   */
  lead(topic: Topic, index: number): Led {
    const { cluster } = this.services;
    const known = this.led.get(topic.id, index);
    if (known !== undefined) {
      known.touch();
      return known;
    }
    if (!hasIndex(topic, index)) return undefined;
    const placement = cluster.placementOf(topic, index);
    if (placement.leaderId !== cluster.selfId) return placement;
    if (this.raising.has(`${topic.id}/${index}`)) return ledByNobody;
    this.topics.set(topic.id, topic);
    return this.make(this.led, topic, index, placement.leadership);
  }

  /**
   * The partition for what needs no leader; undefined when the topic has no such index. It is the
   * leader's where that is here, so that both have the same records in memory.
   */
  open(topic: Topic, index: number): Partition | undefined {
    const led = this.lead(topic, index);
    if (led === undefined || (!isElsewhere(led) && led.isClaimed)) return led;
    const known = this.others.get(topic.id, index);
    known?.touch();
    return known ?? this.make(this.others, topic, index, noLeadership);
  }

  /** What went in and out of a partition through this gateway lately. */
  ratesOf(topicId: string, index: number): PartitionRates {
    const led = this.led.get(topicId, index)?.rates ?? noRates;
    const other = this.others.get(topicId, index);
    return other === undefined ? led : addRates(led, other.rates);
  }

  /**
   * Forgets a deleted topic's partitions; fetches that wait on them look again and find it gone.
   */
  drop(topic: Pick<Topic, 'id' | 'name'>): void {
    this.topics.delete(topic.id);
    for (const table of [this.led, this.others]) {
      for (const partition of table.removeTopic(topic)) partition.drop();
    }
    // Also where its partitions were idle, and are forgotten already.
    this.services.traffic.forget(topic.name);
  }

  /**
   * After a reconnection to Redis: nothing cached about ends is trusted, nor what is hot if history
   * changed.
   */
  invalidate(historyChanged: boolean): void {
    for (const partition of this.all()) partition.invalidate(historyChanged);
  }

  private make(
    table: PartitionTable,
    { id: topicId, name }: Topic,
    index: number,
    leadership: number,
  ): Partition {
    const ref = { topic: name, topicId, partition: index };
    const onLost = this.lost.bind(this);
    const partition = new Partition(ref, { leadership, onLost }, this.services);
    table.add(partition);
    return partition;
  }

  /** Ends the leaderships that this gateway no longer has. */
  private follow({ topics: changed }: ClusterChange): void {
    const { cluster, store } = this.services;
    store.forgetLeaderEpochs(changed);
    const ids = changed === 'all' ? [...this.topics.keys()] : changed;
    for (const id of ids) {
      const topic = this.topics.get(id);
      if (topic === undefined) continue;
      for (const partition of this.led.ofTopic(id)) {
        const now = cluster.placementOf(topic, partition.ref.partition);
        const isHeld = now.leaderId === cluster.selfId && now.leadership === partition.leadership;
        if (!isHeld) this.end(partition);
      }
    }
  }

  /**
   * Another leadership has the partition. Either somebody else leads it, of which this gateway has
   * not heard yet; or the registry has lost that this one was given a later leadership, in which
   * case it gets one that is later still.
   */
  private lost(partition: Partition, known: number | null): void {
    const { topicId, partition: index } = partition.ref;
    const topic = this.topics.get(topicId);
    const isLed = this.led.get(topicId, index) === partition;
    this.end(partition);
    // Who asks for it next claims it again, and hears which leadership it has.
    if (known === null || topic === undefined || !isLed) return;
    void this.raise(topic, index, known);
  }

  private async raise(topic: Topic, index: number, above: number): Promise<void> {
    const key = `${topic.id}/${index}`;
    const { cluster, log } = this.services;
    this.raising.add(key);
    try {
      await cluster.raiseLeadership(topic, index, above);
    } catch (error) {
      const fields = { topic: topic.name, partition: index, error: String(error) };
      log.debug('a leadership could not be raised, and is raised at the next use', fields);
    } finally {
      this.raising.delete(key);
    }
  }

  private end(partition: Partition): void {
    partition.close();
    this.led.remove(partition);
    this.others.remove(partition);
  }

  /** What waits at partitions that another may lead by now looks again, and is told so. */
  private lookAtSession(): void {
    const { isSure } = this.services.cluster;
    const isLost = this.wasSure && !isSure;
    this.wasSure = isSure;
    if (!isLost) return;
    for (const partition of this.led) partition.lookAgain();
  }

  private async pollWaiting(): Promise<void> {
    const refs: PartitionRef[] = [];
    const takers: ((bounds: PartitionBounds | null) => void)[] = [];
    for (const partition of this.all()) {
      const take = partition.expectBounds();
      if (take === null) continue;
      refs.push(partition.ref);
      takers.push(take);
    }
    if (refs.length === 0) return;
    const bounds = await this.store.boundsMany(refs);
    takers.forEach((take, i) => take(bounds[i] ?? null));
  }

  private forgetIdle(): void {
    for (const partition of this.all()) if (partition.idle) this.end(partition);
    const isUsed = (id: string) => !this.led.ofTopic(id)[Symbol.iterator]().next().done;
    for (const id of this.topics.keys()) if (!isUsed(id)) this.topics.delete(id);
  }

  private *all(): Iterable<Partition> {
    yield* this.led;
    yield* this.others;
  }
}

function hasIndex({ partitions }: Topic, index: number): boolean {
  return index >= 0 && index < partitions;
}
