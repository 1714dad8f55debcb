import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { HistoryToken, Redis, RedisLink } from '@sluice/redis';
import type { PartitionLimits } from '../partition-limits';
import { knows, type WriterEntry, type Writers } from './writers';

const lookEveryMs = 50;

export interface OtherWritersDeps {
  redis: RedisLink;
  writers: Writers;
  /** Names this process among the writers. */
  token: string;
  clock: Clock;
  log: Logger;
  limits: Pick<
    PartitionLimits,
    'writerSeenEveryMs' | 'writerGoneMs' | 'writersBackMs' | 'lossMsMax'
  >;
}

/**
 * One process among all that write to the same Redis, gateways and services. Each entry stands for
 * what its writer alone knows, so it goes only with a writer that stops in good order, that has not
 * said for long that it is there, or for whose last writes all partitions were made ready.
 */
export class OtherWriters {
  readonly #seen: Periodic;
  #enteredAtMs = -1;

  constructor(private readonly deps: OtherWritersDeps) {
    this.#seen = new Periodic({
      clock: deps.clock,
      log: deps.log,
      name: 'telling Redis that this process writes',
      everyMs: deps.limits.writerSeenEveryMs,
      run: () => this.#tell(),
    });
  }

  /**
   * Enters this process, with the history of each shard.
   * @returns the time of Redis, ms
   */
  async enter(redis: Redis, histories: readonly HistoryToken[]): Promise<number> {
    const { writers, token } = this.deps;
    this.#enteredAtMs = await writers.enter(redis, token, histories);
    return this.#enteredAtMs;
  }

  /** From now on this process says now and then that it is there. */
  start(): void {
    this.#seen.start();
  }

  /** Says nothing more; resolves when nothing of it is on its way. */
  stop(): Promise<void> {
    return this.#seen.stop();
  }

  /**
   * Waits until the others, too, have looked at a server that has come back with another history:
   * each knows best how far its own logs reached.
   *
   * @returns those that are not back in time, and may not be there any more
   */
  async notBack(redis: Redis, history: HistoryToken): Promise<WriterEntry[]> {
    const { clock, limits } = this.deps;
    const untilMs = clock.monotonicMs() + limits.writersBackMs;
    for (;;) {
      const behind = await this.#others(redis, ({ histories }) => !knows(histories, history));
      // Those that have left do not come back.
      const isHopeless = behind.every(({ hasLeft }) => hasLeft);
      if (isHopeless || clock.monotonicMs() >= untilMs) return behind;
      await new Promise<void>((resolve) => void clock.setTimer(lookEveryMs, resolve));
    }
  }

  async #others(redis: Redis, isWanted: (other: WriterEntry) => boolean): Promise<WriterEntry[]> {
    const { writers, token } = this.deps;
    const state = await writers.read(redis);
    return state.writers.filter((other) => other.token !== token && isWanted(other));
  }

  async #tell(): Promise<void> {
    const { redis, writers, token, limits } = this.deps;
    const { write, histories } = redis;
    const nowMs = await writers.enter(write, token, histories, this.#enteredAtMs);
    const gone = await this.#others(write, (other) => {
      // Nothing of what it wrote was lost, and by now nothing of it can be.
      const isKept = histories.every((history) => knows(other.histories, history));
      const quietMs = other.hasLeft ? limits.lossMsMax : limits.writerGoneMs;
      return isKept && other.seenAtMs < nowMs - quietMs;
    });
    await writers.remove(
      write,
      gone.map((other) => other.token),
    );
  }
}
