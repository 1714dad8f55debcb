import { jobKinds } from '@sluice/retention';
import { field } from '../http/fields';

const kind = { about: 'What is done.', choices: jobKinds, example: 'retention' };
const time = (about: string) => ({ about, nullable: true, example: 1_795_700_000_000 });
const states = ['waiting', 'delayed', 'running', 'done', 'failed'] as const;

/** A job that is done again and again. */
export class ScheduleView {
  @field.text(kind)
  kind: string;

  @field.whole({ about: 'How often, in ms.', example: 300_000 })
  everyMs: number;

  @field.whole(time('When next, in ms since 1970.'))
  nextRunAtMs: number | null;
}

/** The last run of a kind of job that did its work. */
export class LastRunView {
  @field.text(kind)
  kind: string;

  @field.whole({ about: 'When it ended, in ms since 1970.', example: 1_795_700_000_000 })
  endedAtMs: number;

  @field.map({ about: 'What it freed, and how long it took.', values: { kind: 'anything' } })
  report: object;
}

/** How the housekeeping is set up, and how far it is. */
export class RetentionView {
  @field.flag({ about: 'This gateway does jobs itself.', example: true })
  worker: boolean;

  @field.whole({ about: 'Workers that are there, in all processes.', example: 1 })
  workers: number;

  @field.whole({ about: 'How often topics are trimmed by default, in ms.', example: 300_000 })
  checkIntervalMs: number;

  @field.whole({ about: 'When idle producers are forgotten, in ms.', example: 86_400_000 })
  producerIdExpirationMs: number;

  @field.whole({ about: 'When offsets of empty groups go, in ms.', example: 604_800_000 })
  offsetsRetentionMs: number;

  @field.list({ about: 'What is done.', items: { kind: 'shape', shape: () => ScheduleView } })
  schedules: ScheduleView[];

  @field.list({ about: 'What was done.', items: { kind: 'shape', shape: () => LastRunView } })
  lastRuns: LastRunView[];
}

/** Which runs are asked for. */
export class RunsQuery {
  @field.list({
    about: 'Only runs in these states; done and failed where it is left out.',
    items: { kind: 'text', choices: states },
    itemsMax: states.length,
    optional: true,
    example: ['failed'],
  })
  states?: (typeof states)[number][];

  @field.whole({ about: 'How many runs, at most.', min: 1, max: 200, optional: true, example: 50 })
  limit?: number;

  @field.whole({
    about: 'How many of the newest to pass over.',
    min: 0,
    max: 10_000,
    optional: true,
    example: 0,
  })
  offset?: number;
}

/** A run of a job. */
export class RunView {
  @field.text({ about: 'Its id.', example: '17' })
  id: string;

  @field.text(kind)
  kind: string;

  @field.text({ about: 'The id of the one topic that it is for.', nullable: true, example: null })
  topicId: string | null;

  @field.flag({ about: 'Of fsck: whether it removes what it finds.', example: false })
  removes: boolean;

  @field.text({ about: 'How far it is.', choices: states, example: 'done' })
  state: string;

  @field.whole({ about: 'When it was asked for, in ms since 1970.', example: 1_795_700_000_000 })
  askedAtMs: number;

  @field.whole(time('When it began.'))
  startedAtMs: number | null;

  @field.whole(time('When it ended.'))
  endedAtMs: number | null;

  @field.whole({ about: 'How often it has failed.', example: 0 })
  failures: number;

  @field.map({ about: 'What it freed.', nullable: true, values: { kind: 'anything' } })
  report: object | null;

  @field.text({ about: 'Why it failed last.', nullable: true, example: null })
  reason: string | null;
}

/** Runs, the newest first. */
export class RunPage {
  @field.list({ about: 'The runs.', items: { kind: 'shape', shape: () => RunView } })
  runs: RunView[];
}

/** What is to be done now. */
export class RunBody {
  @field.text({
    ...kind,
    about: 'What is to be done. retention where it is left out.',
    optional: true,
  })
  kind?: (typeof jobKinds)[number];

  @field.text({
    about: 'Of retention: only this topic.',
    charsMax: 249,
    optional: true,
    example: 'orders',
  })
  topic?: string;
}

/** A run that was asked for. */
export class AskedRun {
  @field.text({ about: 'Its id.', example: '17' })
  id: string;
}

/** How many jobs are in which state. */
export class QueueView {
  @field.text({ about: 'The name of the queue.', example: 'housekeeping' })
  name: string;

  @field.whole({ about: 'Jobs that wait for a worker.', example: 0 })
  waiting: number;

  @field.whole({ about: 'Jobs that wait for their time.', example: 5 })
  delayed: number;

  @field.whole({ about: 'Jobs that are being done.', example: 1 })
  running: number;

  @field.whole({ about: 'Jobs that are done, as far as they are remembered.', example: 100 })
  done: number;

  @field.whole({ about: 'Jobs that have failed for good.', example: 0 })
  failed: number;

  @field.whole({ about: 'Workers that are there.', example: 1 })
  workers: number;
}

/** All queues. */
export class QueueList {
  @field.list({ about: 'The queues.', items: { kind: 'shape', shape: () => QueueView } })
  queues: QueueView[];
}
