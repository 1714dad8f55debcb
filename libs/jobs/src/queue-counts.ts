import { Sampler, type Clock, type Logger } from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
import { AskedQueue } from './asked-queue';

/** The states in which jobs of a queue are counted, as BullMQ names them. */
const states = ['waiting', 'prioritized', 'delayed', 'active', 'failed'] as const;

/** Jobs by their state. */
export type CountsByState = Readonly<Record<string, number>>;

/** What counts are found out with. */
export interface QueueCountsDeps {
  redis: RedisLink;
  clock: Clock;
  log: Logger;
  queue: string;
}

/** How many jobs a queue has: found out in the background, and only while somebody looks. */
export class QueueCounts {
  readonly #sampler: Sampler<CountsByState>;
  readonly #queue: AskedQueue;

  constructor({ redis, clock, log, queue }: QueueCountsDeps) {
    this.#queue = new AskedQueue(redis, queue);
    const name = `counting the jobs of the queue ${queue}`;
    this.#sampler = new Sampler({ clock, log, name, take: () => this.#count() });
  }

  /** The last counts; null before the first. */
  look(): CountsByState | null {
    return this.#sampler.look();
  }

  async stop(): Promise<void> {
    // A count that is under way fails with its connection.
    await Promise.all([this.#queue.close(), this.#sampler.stop()]);
  }

  async #count(): Promise<CountsByState> {
    const queue = await this.#queue.get();
    return attempt('jobs/counts', queue.getJobCounts(...states));
  }
}
