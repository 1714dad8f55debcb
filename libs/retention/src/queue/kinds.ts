/** What the worker does, each by schedule or when asked. Names of jobs; never change one. */
export const jobKinds = [
  'retention',
  'short-retention',
  'deleted-topics',
  'groups',
  'partitions',
  'append-only-file',
  'fsck',
] as const;

export type JobKind = (typeof jobKinds)[number];

/** What a job is told. */
export interface JobData {
  /** Of `retention`: only the topic with this id. */
  topicId?: string;
  /** Of `fsck`: removes what belongs to nothing. */
  remove?: boolean;
}

/** What a run has freed, and what else it has to tell. */
export interface JobReport {
  records: number;
  bytes: number;
  keys: number;
  ms: number;
  /** Numbers and words of this kind of job, as `partitions`. */
  details: Readonly<Record<string, JobDetail>>;
}

export type JobDetail =
  number | string | boolean | readonly string[] | Readonly<Record<string, number>>;

/** What a task gives back: a report, but for the time, which is measured for it. */
export type TaskResult = Partial<Omit<JobReport, 'ms'>>;

/** One kind of job, as the worker runs it. */
export interface Task {
  /**
   * Does the work in steps; no step begins once `signal` is aborted, and then what was done counts.
   * Whatever is done twice does no harm.
   */
  run(data: JobData, signal: AbortSignal): Promise<TaskResult>;
}

export type Tasks = Readonly<Record<JobKind, Task>>;

/** Whether a run has changed anything, or was asked for to be seen. */
export function hasFreed({ records, bytes, keys }: JobReport): boolean {
  return records + bytes + keys > 0;
}
