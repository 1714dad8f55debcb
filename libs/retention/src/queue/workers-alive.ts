import { attempt, type RedisLink } from '@sluice/redis';
import { workersKey } from './bullmq';
import type { JobLimits } from './job-limits';
import { countWorkersScript, heartbeatScript } from './scripts';

/**
 * Which workers are there, by the clock of Redis. All methods throw RedisUnavailable or
 * UnknownOutcome.
 */
export class WorkersAlive {
  readonly #keys: { workers: string };

  constructor(
    private readonly redis: RedisLink,
    private readonly limits: Pick<JobLimits, 'heartbeatLastsMs'>,
  ) {
    this.#keys = { workers: workersKey(redis.keyPrefix) };
  }

  /** A worker is there. */
  async say(worker: string): Promise<void> {
    const args = { worker, lastsMs: this.limits.heartbeatLastsMs };
    await heartbeatScript.call(this.redis.write, this.#keys, args);
  }

  /** A worker goes in good order. */
  async leave(worker: string): Promise<void> {
    await attempt('retention.workers', this.redis.write.zrem(this.#keys.workers, worker));
  }

  /** How many workers have said lately that they are there. */
  async count(): Promise<number> {
    return (await countWorkersScript.call(this.redis.read, this.#keys, {})).count;
  }
}
