import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { Grant, MemberPartition } from '@sluice/groups';
import { PartitionDelivery, partitionKeys, type PartitionStore } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import type {
  ConsumerHealth,
  ConsumerSettings,
  ConsumerStatus,
  PartitionName,
  PartitionSelector,
  RecordSink,
  SeekTarget,
} from '../api';
import { beginnings, type Beginning } from './beginnings';
import { Committer } from './committer';
import { ConsumedPartition } from './consumed-partition';
import { NotOwned } from './consumer-errors';
import { consumerLimits, type ConsumerLimits } from './consumer-limits';
import type { GroupSession, NewSession } from './group-session';
import type { ConsumerListeners } from './listeners';
import { PausedPartitions } from './paused-partitions';
import { ReadLoop } from './read-loop';
import type { ReadableEndDeps } from './readable-end';
import { resolveTarget } from './seek-target';

/** What a reader is made of. */
export interface GroupReaderDeps {
  redis: RedisLink;
  store: Pick<PartitionStore, 'bounds' | 'sizes' | 'firstAtOrAfter' | 'watch' | 'confirmer'>;
  /** How topics and Redis say that a record is for readers. */
  confirming: Pick<ReadableEndDeps, 'confirmationOf' | 'replicationTimeoutMs' | 'trouble'>;
  clock: Clock;
  log: Logger;
  newSession: NewSession;
  listeners: ConsumerListeners;
  limits?: Partial<ConsumerLimits>;
}

/**
 * Reads records straight from Redis as a member of a consumer group, which shares out the
 * partitions. See docs/architecture.md, "Reading as a NestJS member".
 */
export class GroupReader {
  readonly #limits: ConsumerLimits;
  readonly #session: GroupSession;
  readonly #loop: ReadLoop;
  readonly #committer: Committer;
  readonly #partitions = new Map<string, ConsumedPartition>();
  readonly #paused = new PausedPartitions();
  readonly #looks: Periodic;
  #phase: 'stopped' | 'joining' | 'joined' | 'draining' | 'failed' = 'stopped';
  #lastStatus: ConsumerStatus = 'stopped';
  #problem: string | null = null;
  #isAway = false;
  #granting = 0;
  #draining = 0;
  #wordAtMs: number;
  #closing: Promise<void> | null = null;
  #undo: (() => void) | null = null;

  constructor(
    private readonly deps: GroupReaderDeps,
    private readonly settings: ConsumerSettings,
    private readonly sink: RecordSink,
  ) {
    const { redis, clock, log } = deps;
    const { inFlightRecordsMax, inFlightBytesMax: partitionBytesMax, drainMs } = settings;
    const given = { inFlightRecordsMax, partitionBytesMax, drainMs };
    this.#limits = { ...consumerLimits, ...deps.limits, ...withoutMissing(given) };
    const limits = this.#limits;
    this.#session = deps.newSession({
      granted: (grants) => void this.#granted(grants),
      revoking: (partitions) => void this.#revoking(partitions),
      lost: (partitions) => this.#lost(partitions),
      fenced: () => this.#lost([...this.#partitions.values()].map(({ parts }) => parts.grant)),
      refused: (error) => this.#refused(error),
    });
    const { memberId } = this.#session;
    const { group } = settings;
    const onWord = (isThere: boolean): void => this.#word(isThere);
    this.#loop = new ReadLoop({ redis, group, memberId, limits, clock, log, onWord });
    this.#committer = new Committer({ session: this.#session, limits, clock, log });
    this.#wordAtMs = clock.monotonicMs();
    const everyMs = limits.lookEveryMs;
    const name = `a look at the log ends of the group ${group}`;
    this.#looks = new Periodic({ clock, log, name, everyMs, run: () => this.#look() });
  }

  async start(): Promise<void> {
    if (this.#phase !== 'stopped') return;
    this.#phase = 'joining';
    this.#told();
    this.#loop.start();
    this.#undo = this.deps.redis.onReady(({ historyChanged }) => {
      if (!historyChanged) return;
      for (const partition of this.#partitions.values()) partition.claimAgain();
    });
    try {
      await this.#session.join();
    } catch (error) {
      this.#refused(error as Error);
      await this.close(0);
      throw error;
    }
    if (this.#phase !== 'joining') return;
    this.#phase = 'joined';
    this.#looks.start();
    this.#told();
  }

  close(drainMs = this.#limits.drainMs): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  pause(selectors: readonly PartitionSelector[]): void {
    this.#paused.add(selectors);
    this.#pauseAsSaid();
  }

  resume(selectors: readonly PartitionSelector[]): void {
    this.#paused.remove(selectors);
    this.#pauseAsSaid();
  }

  async seek({ topic, partitions }: PartitionSelector, target: SeekTarget): Promise<void> {
    const owned = [...this.#partitions.values()].filter((one) => one.topic === topic);
    const chosen = partitions
      ? partitions.map((partition) => {
          const found = owned.find((one) => one.partition === partition);
          if (found === undefined) throw new NotOwned(topic, partition);
          return found;
        })
      : owned;
    if (chosen.length === 0) throw new NotOwned(topic, null);
    await Promise.all(chosen.map((one) => this.#seek(one, target)));
    await this.#committer.commit();
  }

  health(): ConsumerHealth {
    const partitions = [...this.#partitions.values()];
    const { silentMs } = this.#session;
    const problems = partitions.flatMap(({ problem }) => (problem === null ? [] : [problem]));
    const sinceWordMs = this.deps.clock.monotonicMs() - this.#wordAtMs;
    return {
      status: this.#lastStatus,
      group: this.settings.group,
      memberId: this.#session.memberId,
      problem: this.#problem ?? (problems.length > 0 ? problems.join('; ') : null),
      silentMs: Math.min(silentMs, sinceWordMs),
      partitions: partitions.map((one) => {
        const { topic, partition } = one;
        return { topic, partition, ...one.health() };
      }),
    };
  }

  async #granted(grants: readonly Grant[]): Promise<void> {
    this.#granting++;
    this.#told();
    const { store, clock, log } = this.deps;
    const { startFrom = 'start' } = this.settings;
    const parts = { session: this.#session, store, clock, log, startFrom };
    await beginnings(grants, parts, (begun) => this.#begun(begun));
    this.#granting--;
    this.#told();
  }

  #begun(begun: readonly Beginning[]): void {
    const held = begun.filter(({ grant }) => this.#session.holds(grant));
    if (held.length === 0 || this.#closing !== null) return;
    for (const { grant, committed } of held) {
      const partition = this.#newPartition(grant, committed);
      this.#partitions.get(keyOf(grant))?.lose();
      this.#partitions.set(keyOf(grant), partition);
      this.#loop.add(partition);
      partition.start();
    }
    this.deps.listeners.assigned.tell(names(held.map(({ grant }) => grant)));
    this.#told();
  }

  #newPartition(grant: MemberPartition, committed: Beginning['committed']): ConsumedPartition {
    const { redis, clock, log, store, confirming } = this.deps;
    const { group, delivery = 'at-least-once' } = this.settings;
    const { memberId: member } = this.#session;
    const owner = { group, member, epoch: grant.ownerEpoch };
    return new ConsumedPartition({
      grant,
      group,
      memberId: member,
      committed,
      clock,
      log,
      readable: { store, clock, ...confirming },
      sink: this.sink,
      limits: this.#limits,
      delivery: new PartitionDelivery(redis.write, partitionKeys(redis.keyPrefix, grant), owner),
      isAtMostOnce: delivery === 'at-most-once',
      isPaused: this.#paused.has(grant),
      isHeld: () => this.#session.holds(grant),
      onReadable: () => this.#loop.readable(),
      onProgress: (partition) => this.#committer.note(partition),
      onHeld: (bytes) => this.#loop.held(bytes),
      onState: () => this.#told(),
      onLost: (partition, why) => {
        this.#lost([partition.parts.grant]);
        // What another grant has is asked for anew; what is deleted is taken back by the session.
        if (why === 'fenced') this.#askAnew(grant);
      },
    });
  }

  /**
   * Not at once: where Redis' clock is behind that of the grant before, the next one is refused,
   * too.
   */
  #askAnew(grant: MemberPartition): void {
    const { claimAnewAfterMs } = this.#limits;
    this.deps.clock.setTimer(claimAnewAfterMs, () => this.#session.letGo([grant]));
  }

  /** Partitions are to go to other members. */
  async #revoking(partitions: readonly MemberPartition[]): Promise<void> {
    const held = partitions.flatMap((one) => this.#partitionOf(one) ?? []);
    this.#draining++;
    this.#told();
    await this.#drain(held, this.#limits.drainMs);
    this.#draining--;
    this.#session.letGo(partitions);
    this.#told();
  }

  /** Hands over nothing more of them, waits for what is in flight, commits, and ends them. */
  async #drain(partitions: readonly ConsumedPartition[], drainMs: number): Promise<void> {
    const drained = partitions.map(async (one) => {
      await Promise.all([one.drain(drainMs), this.#loop.settled(one)]);
    });
    await Promise.all(drained);
    await this.#committer.commit();
    await Promise.all(partitions.map((one) => one.leave()));
    this.#forget(partitions);
  }

  #lost(partitions: readonly MemberPartition[]): void {
    const held = partitions.flatMap((one) => this.#partitionOf(one) ?? []);
    for (const one of held) one.lose();
    this.#forget(held);
    this.#told();
  }

  #refused(error: Error): void {
    this.#phase = 'failed';
    this.#problem = error.message;
    this.#lost([...this.#partitions.values()].map(({ parts }) => parts.grant));
    this.#told();
  }

  async #close(drainMs: number): Promise<void> {
    const hasFailed = this.#phase === 'failed';
    if (!hasFailed) this.#phase = 'draining';
    this.#told();
    await this.#looks.stop();
    const partitions = [...this.#partitions.values()];
    await this.#drain(partitions, drainMs);
    await this.#session.leave();
    this.#committer.end();
    this.#undo?.();
    await this.#loop.end();
    if (!hasFailed) this.#phase = 'stopped';
    this.#told();
  }

  /** They have ended. Of those that had not been forgotten before it is told. */
  #forget(partitions: readonly ConsumedPartition[]): void {
    const forgotten: PartitionName[] = [];
    for (const one of partitions) {
      one.end();
      this.#loop.remove(one);
      const key = keyOf(one.parts.grant);
      if (this.#partitions.get(key) !== one) continue;
      this.#partitions.delete(key);
      forgotten.push({ topic: one.topic, partition: one.partition });
    }
    if (forgotten.length > 0) this.deps.listeners.revoked.tell(forgotten);
  }

  #partitionOf(grant: MemberPartition): ConsumedPartition | null {
    const found = this.#partitions.get(keyOf(grant));
    return found?.parts.grant.ownerEpoch === grant.ownerEpoch ? found : null;
  }

  #pauseAsSaid(): void {
    for (const partition of this.#partitions.values()) {
      if (this.#paused.has(partition)) partition.pause();
      else partition.resume();
    }
  }

  async #seek(partition: ConsumedPartition, target: SeekTarget): Promise<void> {
    const { grant } = partition.parts;
    const offset = await resolveTarget(this.deps.store, grant, target);
    if (offset === null || partition.isEnded) throw new NotOwned(grant.topic, grant.partition);
    await partition.seek({ offset, whenUnread: () => this.#loop.settled(partition) });
  }

  async #look(): Promise<void> {
    const partitions = [...this.#partitions.values()];
    if (partitions.length === 0) return;
    const sizes = await this.deps.store.sizes(partitions.map(({ parts }) => parts.grant));
    this.#word(true);
    for (const [at, partition] of partitions.entries()) partition.looked(sizes[at] ?? null);
  }

  /** Redis has answered, or does not. */
  #word(isThere: boolean): void {
    if (isThere) this.#wordAtMs = this.deps.clock.monotonicMs();
    if (this.#isAway === !isThere) return;
    this.#isAway = !isThere;
    this.#told();
  }

  #told(): void {
    const status = this.#statusNow();
    if (status === this.#lastStatus) return;
    this.#lastStatus = status;
    this.deps.listeners.status.tell(status);
  }

  #statusNow(): ConsumerStatus {
    if (this.#phase !== 'joined') return this.#phase;
    if (this.#isAway) return 'reconnecting';
    if (this.#granting + this.#draining > 0) return 'rebalancing';
    const isClaimed = [...this.#partitions.values()].every((one) => one.isClaimed);
    return isClaimed ? 'running' : 'rebalancing';
  }
}

function keyOf({ topicId, partition }: { topicId: string; partition: number }): string {
  return `${topicId}/${partition}`;
}

function names(partitions: readonly MemberPartition[]): PartitionName[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }));
}

function withoutMissing<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: NonNullable<T[K]> };
}
