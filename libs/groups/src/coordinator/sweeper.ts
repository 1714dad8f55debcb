import { type Clock, type Logger, Periodic } from '@sluice/base';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import type { ClassicGroups } from '../classic/coordinator/classic-groups';
import type { Stores } from '../classic/stored/classic-store';
import type { GroupLimits } from '../limits';
import type { Quarantine } from './quarantine';

export interface SweeperDeps {
  stores: Stores;
  classic: ClassicGroups;
  quarantine: Quarantine;
  clock: Clock;
  log: Logger;
  limits: GroupLimits;
  /** Whether this coordinator has the group. */
  isOurs: (groupId: string) => boolean;
}

/**
 * The background work over all groups, one small step after another: offsets of deleted topics,
 * expiry of offsets and of empty groups, and waking groups whose members may have died while no
 * gateway ran.
 */
export class Sweeper {
  readonly #sweeping: Periodic;

  constructor(private readonly deps: SweeperDeps) {
    const { clock, log, limits } = deps;
    this.#sweeping = new Periodic({
      clock,
      log,
      name: 'the sweep over the groups',
      everyMs: limits.sweepIntervalMs,
      run: (signal) => this.#sweep(signal),
    });
  }

  start(): void {
    this.#sweeping.start(this.deps.limits.firstSweepDelayMs);
  }

  /** Sweeps now, or once more if a sweep is under way. */
  sweepSoon(): void {
    this.#sweeping.runSoon();
  }

  stop(): Promise<void> {
    return this.#sweeping.stop();
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { index } = this.deps.stores;
    const topics = await index.removedTopics();
    let cursor = '0';
    do {
      const found = await index.scan(cursor);
      for (const groupId of found.groupIds) {
        if (signal.aborted) return;
        await this.#sweepGroup(groupId, topics);
      }
      cursor = found.cursor;
    } while (cursor !== '0');
    for (const topicId of topics) await index.forgetRemovedTopic(topicId);
  }

  async #sweepGroup(groupId: string, removedTopics: readonly string[]): Promise<void> {
    try {
      for (const topicId of removedTopics) await this.#removeTopic(groupId, topicId);
      if (this.deps.isOurs(groupId)) await this.#expire(groupId);
    } catch (error) {
      // Redis is away, most likely; then every further step would fail too.
      if (error instanceof RedisUnavailable || error instanceof UnknownOutcome) throw error;
      // What is wrong with one group must not keep the others from being swept.
      this.deps.quarantine.add(groupId, error as Error);
    }
  }

  async #removeTopic(groupId: string, topicId: string): Promise<void> {
    let cursor = '0';
    do cursor = await this.deps.stores.offsets.removeTopic(groupId, topicId, cursor);
    while (cursor !== '0');
  }

  async #expire(groupId: string): Promise<void> {
    const { classic, stores, quarantine } = this.deps;
    const actor = classic.actor(groupId);
    await actor.sweep(async (owned) => {
      const group = owned?.group;
      const isInUse = group !== undefined && group.members.size + group.pending.size > 0;
      if (isInUse) return { isGone: false };
      const outcome = await this.#expireStored(groupId);
      // Members may have died while nobody had the group; what is wrong with it is told by reading.
      if (outcome === 'live' || outcome === 'unreadable') actor.wake();
      const isGone = outcome === 'gone' || outcome === 'missing';
      if (isGone) {
        await stores.index.remove(groupId);
        quarantine.release(groupId);
      }
      return { isGone };
    });
  }

  async #expireStored(groupId: string) {
    let cursor = '0';
    for (;;) {
      const found = await this.deps.stores.states.expire(groupId, cursor);
      if (found.removed > 0) {
        const facts = { group: groupId, count: found.removed };
        this.deps.log.info('Removed old offsets of a group', facts);
      }
      cursor = found.cursor;
      if (cursor === '0') return found.outcome;
    }
  }
}
