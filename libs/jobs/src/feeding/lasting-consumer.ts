import type { Clock, Logger, Timer } from '@sluice/base';
import type { ConsumerHealth, RecordConsumer } from '@sluice/streams';
import type { StreamJobsLimits } from '../limits';

/** What a lasting consumer works with. */
export interface LastingConsumerDeps {
  create: () => RecordConsumer;
  clock: Clock;
  log: Logger;
  limits: Pick<StreamJobsLimits, 'startRetryMs' | 'startRetryMsMax'>;
}

/**
 * A consumer that is there in the end, also where Redis is away when it is to start. One that could
 * not start cannot be started again, so another takes its place, after pauses that grow.
 */
export class LastingConsumer {
  #consumer: RecordConsumer;
  #pause: Timer | null = null;
  #failures = 0;
  #problem: string | null = null;
  #closing: Promise<void> | null = null;

  constructor(private readonly deps: LastingConsumerDeps) {
    this.#consumer = deps.create();
  }

  /** The consumer's own; while it is tried again, with the reason why it is not there yet. */
  health(): ConsumerHealth {
    const health = this.#consumer.health();
    return { ...health, problem: health.problem ?? this.#problem };
  }

  /**
   * Resolves when it has joined, or when Redis could not be asked; then it is tried again.
   *
   * @throws what the consumer says that no other time would change, as GroupRefused
   */
  start(): Promise<void> {
    return this.#start(mayPass);
  }

  /** Ends it, and the attempts to start it. Repeated calls wait for the same end. */
  close(drainMs: number): Promise<void> {
    this.#pause?.cancel();
    this.#closing ??= this.#consumer.close(drainMs);
    return this.#closing;
  }

  async #start(isTriedAgain: (error: Error) => boolean): Promise<void> {
    const consumer = this.#consumer;
    const { log } = this.deps;
    try {
      await consumer.start();
    } catch (error) {
      if (this.#closing !== null) return;
      await consumer.close(0).catch(() => undefined);
      if (!isTriedAgain(error as Error)) throw error;
      this.#startLater(error as Error);
      return;
    }
    if (this.#problem !== null) log.info('a consumer that feeds jobs has joined its group');
    this.#problem = null;
  }

  #startLater({ message }: Error): void {
    if (this.#closing !== null) return;
    const { clock, create, limits, log } = this.deps;
    const line = 'a consumer that feeds jobs could not start; it is tried again';
    log[this.#problem === null ? 'warn' : 'debug'](line, { error: message });
    this.#problem = message;
    const pauseMs = Math.min(limits.startRetryMs * 2 ** this.#failures++, limits.startRetryMsMax);
    this.#pause = clock.setTimer(pauseMs, () => {
      this.#consumer = create();
      // Nobody is there any more to be told of what would not pass; health() tells it.
      void this.#start(() => true);
    });
  }
}

/** By name, as the error may be of another copy of the library. */
function mayPass({ name }: Error): boolean {
  return name === 'RedisUnavailable' || name === 'UnknownOutcome';
}
