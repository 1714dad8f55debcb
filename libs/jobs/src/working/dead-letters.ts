import { Periodic, type Clock, type Logger } from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
import type { RecordProducer } from '@sluice/streams';
import { AskedQueue } from '../asked-queue';
import type { BullJob, StreamQueue } from '../bullmq';
import { bullKey, takenKey } from '../keys';
import type { StreamJobsLimits } from '../limits';
import type { JobsMeter } from '../metrics';
import type { JobSettings } from '../options';
import { takeFailedScript } from '../scripts';
import { letterOf } from './job-letter';

/** What dead letters are written with. */
export interface DeadLettersDeps {
  redis: RedisLink;
  producer: Pick<RecordProducer, 'send'>;
  clock: Clock;
  log: Logger;
  limits: StreamJobsLimits;
  meter: JobsMeter;
  settings: JobSettings & { deadLetterTopic: NonNullable<JobSettings['deadLetterTopic']> };
}

/**
 * Sends jobs that have failed for good to the dead-letter topic. A job stays in the queue's failed
 * set until its letter is written, whoever dies in between: so nothing is lost, and what was
 * written when its writer died is written twice.
 */
export class DeadLetters {
  readonly #looking: Periodic;
  readonly #queue: AskedQueue;

  constructor(private readonly deps: DeadLettersDeps) {
    const { redis, clock, log, limits, settings } = deps;
    this.#queue = new AskedQueue(redis, settings.queue);
    this.#looking = new Periodic({
      clock,
      log,
      name: `sending failed jobs of the queue ${settings.queue} to their dead-letter topic`,
      everyMs: limits.deadLettersEveryMs,
      failureLevel: 'error',
      run: (signal) => this.#look(signal),
    });
  }

  start(): void {
    this.#looking.start(0);
  }

  /** A job has failed for good just now. */
  lookSoon(): void {
    this.#looking.runSoon();
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
    await this.#queue.close();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { deadLettersAtOnceMax } = this.deps.limits;
    const queue = await this.#queue.get();
    for (;;) {
      const ids = await this.#take();
      try {
        for (const id of ids) {
          if (!signal.aborted) await this.#send(queue, id);
        }
      } finally {
        // What could not be sent is anybody's again.
        await this.#giveBack(ids);
      }
      if (ids.length < deadLettersAtOnceMax || signal.aborted) return;
    }
  }

  async #take(): Promise<readonly string[]> {
    const { redis, limits, settings } = this.deps;
    const { keyPrefix } = redis;
    const failed = bullKey(keyPrefix, settings.queue, 'failed');
    const taken = takenKey(keyPrefix, settings.queue);
    const { deadLetterLeaseMs: leaseMs, deadLettersAtOnceMax: countMax } = limits;
    const keys = { failed, taken };
    return (await takeFailedScript.call(redis.write, keys, { leaseMs, countMax })).ids;
  }

  async #send(queue: StreamQueue, id: string): Promise<void> {
    const { producer, log, meter, limits, settings } = this.deps;
    const job = (await attempt('jobs/failed', queue.getJob(id))) as BullJob | undefined;
    if (job === undefined) return;
    const topic = settings.deadLetterTopic(job.data.topic);
    const { stalledMax } = limits;
    await producer.send(letterOf(job, { topic, group: settings.group, stalledMax }));
    await attempt('jobs/remove', queue.remove(id));
    meter.deadLettered.add(1);
    log.warn('a job has failed for good and is a dead letter now', {
      queue: settings.queue,
      job: id,
      topic,
      attempts: job.attemptsMade,
      error: job.failedReason,
    });
  }

  async #giveBack(ids: readonly string[]): Promise<void> {
    const { redis, settings } = this.deps;
    if (ids.length === 0) return;
    const taken = takenKey(redis.keyPrefix, settings.queue);
    await attempt('jobs/give-back', redis.write.zrem(taken, ...ids));
  }
}
