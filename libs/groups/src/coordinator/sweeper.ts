import type { Clock, Logger, Timer } from '@sluice/base';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import type { GroupLimits } from '../limits';
import type { GroupStore } from '../store/store';

export interface SweeperDeps {
  store: GroupStore;
  clock: Clock;
  log: Logger;
  limits: GroupLimits;
  /** One group's turn: remove the offsets of these topics, expire what is old. */
  sweepGroup: (groupId: string, removedTopics: readonly string[]) => Promise<void>;
}

/**
 * The background work over all groups, one small step after another: offsets of deleted topics,
 * expiry of offsets and of empty groups, and waking groups whose members may have died while no
 * gateway ran.
 */
export class Sweeper {
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #isWantedAgain = false;
  #isStopped = false;

  constructor(private readonly deps: SweeperDeps) {}

  start(): void {
    this.#schedule(this.deps.limits.firstSweepDelayMs);
  }

  /** Sweeps now, or once more if a sweep is under way. */
  sweepSoon(): void {
    if (this.#running === null) this.#run();
    else this.#isWantedAgain = true;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.deps.clock.setTimer(delayMs, () => this.#run());
  }

  #run(): void {
    if (this.#running !== null || this.#isStopped) return;
    this.#isWantedAgain = false;
    this.#running = this.#sweepOnce();
  }

  async #sweepOnce(): Promise<void> {
    await this.#sweep();
    this.#running = null;
    if (this.#isStopped) return;
    if (this.#isWantedAgain) this.#run();
    else this.#schedule(this.deps.limits.sweepIntervalMs);
  }

  async #sweep(): Promise<void> {
    const { store, log } = this.deps;
    try {
      const topics = await store.removedTopics();
      let cursor = '0';
      do {
        const found = await store.scanIndex(cursor);
        for (const groupId of found.groupIds) {
          if (this.#isStopped) return;
          await this.#sweepGroup(groupId, topics);
        }
        cursor = found.cursor;
      } while (cursor !== '0');
      for (const topicId of topics) await store.forgetRemovedTopic(topicId);
    } catch (error) {
      // Redis is away, most likely; then every further step would fail too.
      const message = (error as Error).message;
      log.warn('The sweep over the groups was broken off; the next one does the rest', { message });
    }
  }

  async #sweepGroup(groupId: string, topics: readonly string[]): Promise<void> {
    try {
      await this.deps.sweepGroup(groupId, topics);
    } catch (error) {
      if (error instanceof RedisUnavailable || error instanceof UnknownOutcome) throw error;
      // What is wrong with one group must not keep the others from being swept.
      const message = (error as Error).message;
      this.deps.log.error('Could not sweep a group', { groupId, message });
    }
  }
}
