/** Limits of the jobs that topics feed. */
export const streamJobsLimits = {
  /** Jobs of a queue that wait, or are delayed; nothing is fed where there are as many. */
  waitingJobsMax: 1_000,
  /** Jobs that have failed for good and are still in the queue; nothing is fed where there are. */
  failedJobsMax: 1_000,
  /** Records that become jobs in one transaction, and the bytes of their values together. */
  feedRecordsMax: 200,
  feedBytesMax: 4 * 1024 * 1024,
  /** How often a feeder that found no room, or failed, tries again. */
  feedRetryMs: 250,
  /** The first pause after a consumer could not start, and the longest; each doubles the last. */
  startRetryMs: 250,
  startRetryMsMax: 10_000,
  /** Records, and bytes of them, of one partition that a feeder has taken and not yet fed. */
  takenRecordsMax: 1_000,
  takenBytesMax: 16 * 1024 * 1024,
  /** Jobs that are remembered after they were done. */
  doneJobsMax: 100,
  /** Events of a queue that Redis keeps. */
  eventsMax: 1_000,
  /** How long a worker that says nothing keeps a job, and how often others look for such. */
  lockMs: 30_000,
  stalledCheckMs: 15_000,
  /** How often a job is begun anew whose worker went silent; then it has failed for good. */
  stalledMax: 3,
  /** A worker whose Redis refuses it (rights, role, memory) tries again after this time. */
  refusedHoldMs: 1_000,
  /** How often jobs that have failed for good are looked for, and how many are taken at once. */
  deadLettersEveryMs: 5_000,
  deadLettersAtOnceMax: 100,
  /** How long one worker has for the dead letters that it has taken, before another takes them. */
  deadLetterLeaseMs: 60_000,
  /** How long whoever uses a queue first waits for its connection. */
  connectMsMax: 5_000,
  /** How long a stop waits for the jobs that run, and then for those that were broken off. */
  drainMsMax: 10_000,
  breakOffMsMax: 2_000,
} as const;

/** `streamJobsLimits`, with other values for tests. */
export type StreamJobsLimits = { readonly [Name in keyof typeof streamJobsLimits]: number };
