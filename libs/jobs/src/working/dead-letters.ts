import { Periodic, type Clock, type Logger } from '@sluice/base';
import { attempt, type JobConnection, type RedisLink } from '@sluice/redis';
import type { RecordProducer } from '@sluice/streams';
import { loadBullmq, type BullJob, type StreamQueue } from '../bullmq';
import { bullKey, queuePrefix, takenKey } from '../keys';
import type { StreamJobsLimits } from '../limits';
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
  settings: JobSettings & { deadLetterTopic: NonNullable<JobSettings['deadLetterTopic']> };
}

/**
 * Sends jobs that have failed for good to the dead-letter topic. A job stays in the queue's failed
 * set until its letter is written, whoever dies in between: so nothing is lost, and what was
 * written when its writer died is written twice.
 */
export class DeadLetters {
  readonly #looking: Periodic;
  #queue: StreamQueue | null = null;
  #connection: JobConnection | null = null;

  constructor(private readonly deps: DeadLettersDeps) {
    const { clock, log, limits, settings } = deps;
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
    const closing = this.#queue?.close().catch(() => undefined);
    await this.#connection?.close();
    await closing;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { deadLettersAtOnceMax } = this.deps.limits;
    const queue = (this.#queue ??= await this.#open());
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
    const { producer, log, settings } = this.deps;
    const job = (await attempt('jobs/failed', queue.getJob(id))) as BullJob | undefined;
    if (job === undefined) return;
    const topic = settings.deadLetterTopic(job.data.topic);
    await producer.send(letterOf(job, topic, settings.group));
    await attempt('jobs/remove', queue.remove(id));
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

  async #open(): Promise<StreamQueue> {
    const { Queue: BullQueue } = await loadBullmq();
    const { redis, settings } = this.deps;
    this.#connection ??= redis.openJobConnection(
      'ask',
      queuePrefix(redis.keyPrefix, settings.queue),
    );
    const queue: StreamQueue = new BullQueue(settings.queue, {
      connection: this.#connection.redis,
      prefix: queuePrefix(redis.keyPrefix, settings.queue),
      skipMetasUpdate: true,
    });
    queue.on('error', () => undefined);
    return queue;
  }
}
