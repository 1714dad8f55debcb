/** Limits of the jobs of the retention worker. */
export const jobLimits = {
  /** Jobs that one worker does at the same time. */
  jobsAtOnceMax: 3,
  /** How long a worker that says nothing keeps its job; it says something four times as often. */
  lockMs: 15_000,
  /** How often workers look for jobs whose worker has gone silent. */
  stalledCheckMs: 10_000,
  /** How often a job that is not of a schedule is begun anew when its workers die of it. */
  stalledMax: 3,
  /** How often a run that fails is tried before it is left to be looked at. */
  attemptsMax: 5,
  /** The wait before the second attempt; doubled each time. */
  retryDelayMs: 1_000,
  /** How long a job that was asked for waits before it looks again whether the same is done. */
  sameUnderWayWaitMs: 1_000,
  /** Runs that are remembered with what they freed, and runs that failed for good. */
  doneRunsMax: 200,
  failedRunsMax: 100,
  /** Characters of an error that are remembered of a run. */
  failureCharactersMax: 500,
  /** Events of the queue that Redis keeps; nobody but an operator reads them. */
  eventsMax: 100,
  /**
   * Jobs that wait; beyond it what a change of a topic asks for is left to the next regular run.
   */
  waitingJobsMax: 1_000,
  /** How often schedules are looked at, and made again where they are missing. */
  keepSchedulesEveryMs: 30_000,
  /** A run that is overdue, or planned too far ahead, by so much is planned anew. */
  scheduleSlackMs: 60_000,
  /** A worker whose Redis refuses it (rights, role, memory) tries again after this time. */
  refusedHoldMs: 1_000,
  /** How often a worker frees memory without the queue while Redis is full. */
  fullRunEveryMs: 10_000,
  /** How long whoever uses the queue first waits for its connection. */
  connectMsMax: 5_000,
  /** How long a stop waits for the worker's connections to be given up in good order. */
  closeMsMax: 2_000,
  /** How often a worker says that it is there, and how long that counts. */
  heartbeatEveryMs: 10_000,
  heartbeatLastsMs: 60_000,
  /**
   * How often a gateway without a worker looks for one elsewhere, and misses it before it warns.
   */
  workerCheckEveryMs: 30_000,
  workerMissedMax: 3,
  /** How long after the start of a process the worker is loaded, to be out of the way. */
  startDelayMs: 1_000,
} as const;

/** `jobLimits`, with other values for tests. */
export type JobLimits = { readonly [Name in keyof typeof jobLimits]: number };
