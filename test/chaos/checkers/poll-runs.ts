import type { HistoryView } from '../history/history-view';
import type { Poll, SeenRecord } from '../history/operation';

/** What a consumer asked for of a partition without being given a new position. */
export interface PollRun {
  process: string;
  partition: number;
  how: Poll['how'];
  /** Since when it has its position; before that it asked for something else. */
  sinceMs: number;
  /**
   * How often its position may jump though nobody knows why. A library that does not tell when it
   * asked hands over what it had fetched before it was given its partitions anew, and only then
   * goes on from the position of its group.
   */
  jumpsMax: number;
  /** In the order in which they ended. */
  polls: Poll[];
}

/**
 * Cuts each consumer's polls where its group gave it a position. A poll belongs to the position
 * that its consumer had when it asked, though the answer may come after the next one was given.
 */
export function pollRuns(history: HistoryView): PollRun[] {
  const given = new GivenPositions(history);
  const runs = new Map<string, PollRun>();
  for (const poll of history.reads) {
    const { process, partition, how, asked } = poll;
    const sinceMs = given.before(process, partition, asked ? poll.begunMs : poll.endedMs);
    const key = `${process} ${partition} ${sinceMs}`;
    const run = runs.get(key);
    if (run) run.polls.push(poll);
    else {
      const jumpsMax = asked === null ? 1 : 0;
      runs.set(key, { process, partition, how, sinceMs, jumpsMax, polls: [poll] });
    }
  }
  return [...runs.values()];
}

/** The records of a run one by one, with their polls. */
export function* recordsOf({ polls }: PollRun): Generator<[SeenRecord, Poll]> {
  for (const poll of polls) for (const record of poll.records) yield [record, poll];
}

/** When positions were given: as clients tell it, else whenever they were given partitions. */
class GivenPositions {
  readonly #told = new Map<string, number[]>();
  readonly #assigned = new Map<string, number[]>();

  constructor(history: HistoryView) {
    for (const position of history.of('position')) {
      note(this.#told, `${position.process} ${position.partition}`, position.endedMs);
    }
    for (const { process, endedMs } of history.of('assigned')) {
      note(this.#assigned, process, endedMs);
    }
    for (const times of [this.#told, this.#assigned]) {
      for (const own of times.values()) own.sort((a, b) => a - b);
    }
  }

  /** When a consumer was given the position that it had at a moment; −1: it never was. */
  before(process: string, partition: number, atMs: number): number {
    const times = this.#told.get(`${process} ${partition}`) ?? this.#assigned.get(process) ?? [];
    return times.findLast((givenMs) => givenMs <= atMs) ?? -1;
  }
}

function note(times: Map<string, number[]>, key: string, atMs: number): void {
  const own = times.get(key);
  if (own) own.push(atMs);
  else times.set(key, [atMs]);
}
