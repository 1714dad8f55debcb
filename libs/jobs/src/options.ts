import type { JobsOptions, WorkerOptions } from 'bullmq';
import type { ConsumerSettings } from '@sluice/streams';
import { isQueueName } from './keys';
import { streamJobsLimits } from './limits';

/** Where a job goes that has failed for good. */
export interface JobDeadLetterOptions {
  /** Default: `<topic>.dlq`. */
  topic?: string;
}

/**
 * How a topic feeds a queue, and how its jobs are done. What BullMQ knows has BullMQ's names, units
 * and meaning.
 */
export interface StreamJobOptions extends Pick<
  WorkerOptions,
  'concurrency' | 'limiter' | 'lockDuration'
> {
  /** The queue; its jobs are one handler's. */
  queue: string;
  /** How often a job is tried. Default: 1, as in BullMQ. */
  attempts?: number;
  /** The wait between attempts: ms, or how they grow. Default: none. */
  backoff?: JobsOptions['backoff'];
  /** How long each job waits before its first attempt, ms. */
  delay?: number;
  /** 1 comes first, and jobs without one before all. The same for all jobs of the queue. */
  priority?: number;
  /** What is remembered of jobs that were done; only for whoever looks. Default: 100. */
  removeOnComplete?: JobsOptions['removeOnComplete'];
  /**
   * Jobs that have failed for good are sent there and leave the queue (the default); `false`: they
   * stay in the queue's failed set, for somebody to look at.
   */
  deadLetter?: boolean | JobDeadLetterOptions;
  /** The consumer group that feeds the queue. Default: `jobs.<queue>`. */
  group?: string;
  /** Where a group begins that has committed nothing. Default: 'start'. */
  startFrom?: ConsumerSettings['startFrom'];
  /** Nothing is fed where as many jobs wait, or are delayed. Default: 1,000. */
  waitingJobsMax?: number;
  /** Nothing is fed where as many jobs have failed for good and are not sent on yet. */
  failedJobsMax?: number;
  /** Makes the handler's value of the record's bytes. Default: JSON. */
  deserialize?: (value: Buffer | null) => unknown;
}

/** `StreamJobOptions`, checked, with every default filled in. */
export interface JobSettings {
  queue: string;
  topics: readonly (string | RegExp)[];
  group: string;
  startFrom: ConsumerSettings['startFrom'];
  jobOptions: JobsOptions;
  workerOptions: Pick<WorkerOptions, 'concurrency' | 'limiter' | 'lockDuration'>;
  /** Null: failed jobs stay in the queue. */
  deadLetterTopic: ((topic: string) => string) | null;
  waitingJobsMax: number;
  failedJobsMax: number;
  deserialize: (value: Buffer | null) => unknown;
}

/** What a decorator, or a module, was told makes no sense. */
export class StreamJobMistake extends Error {
  override readonly name = 'StreamJobMistake';
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws StreamJobMistake
 */
export function resolveSettings(
  topics: readonly (string | RegExp)[],
  options: StreamJobOptions,
): JobSettings {
  const { queue, attempts = 1, backoff, delay, priority } = options;
  check(topics.length > 0, queue, 'names no topic');
  check(isQueueName(queue), queue, 'has letters, digits, ".", "_" and "-" in its name, up to 100');
  checkCount(queue, 'attempts', attempts);
  checkCount(queue, 'concurrency', options.concurrency ?? 1);
  check(delay === undefined || (Number.isFinite(delay) && delay >= 0), queue, 'has a delay in ms');
  check(
    priority === undefined || (Number.isInteger(priority) && priority >= 1),
    queue,
    'has a priority from 1 on',
  );
  const { waitingJobsMax, failedJobsMax, doneJobsMax, lockMs } = streamJobsLimits;
  const limits = {
    waitingJobsMax: options.waitingJobsMax ?? waitingJobsMax,
    failedJobsMax: options.failedJobsMax ?? failedJobsMax,
  };
  checkCount(queue, 'waitingJobsMax', limits.waitingJobsMax);
  checkCount(queue, 'failedJobsMax', limits.failedJobsMax);
  const { concurrency = 1, limiter, lockDuration = lockMs } = options;
  return {
    queue,
    topics,
    group: options.group ?? `jobs.${queue}`,
    startFrom: options.startFrom,
    jobOptions: {
      attempts,
      ...(backoff === undefined ? {} : { backoff }),
      ...(delay === undefined ? {} : { delay }),
      ...(priority === undefined ? {} : { priority }),
      removeOnComplete: options.removeOnComplete ?? { count: doneJobsMax },
      // They leave the queue once they are written to the dead-letter topic, or by hand.
      removeOnFail: false,
    },
    workerOptions: { concurrency, lockDuration, ...(limiter === undefined ? {} : { limiter }) },
    deadLetterTopic: deadLetterTopicOf(options.deadLetter ?? true),
    ...limits,
    deserialize: options.deserialize ?? parseJson,
  };
}

function deadLetterTopicOf(option: boolean | JobDeadLetterOptions): JobSettings['deadLetterTopic'] {
  if (option === false) return null;
  const { topic: name } = option === true ? {} : option;
  return (topic) => name ?? `${topic}.dlq`;
}

function parseJson(value: Buffer | null): unknown {
  return value === null ? null : JSON.parse(value.toString());
}

function checkCount(queue: string, name: string, value: number): void {
  check(Number.isInteger(value) && value >= 1, queue, `has ${name}: a whole number from 1 on`);
}

function check(holds: boolean, queue: string, what: string): void {
  if (!holds) throw new StreamJobMistake(`The queue "${queue}" ${what}, please.`);
}
