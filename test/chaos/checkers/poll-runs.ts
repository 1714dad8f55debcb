import type { HistoryView } from '../history/history-view';
import type { Poll, SeenRecord } from '../history/operation';

/** What a consumer read of a partition without being given a new position. */
export interface PollRun {
  process: string;
  partition: number;
  how: Poll['how'];
  /**
   * How often its position may jump. A library hands over what it had fetched before it was given
   * its partitions anew, and only then goes on from the position of its group.
   */
  jumpsMax: number;
  polls: Poll[];
}

/** Cuts each consumer's polls where its group gave it partitions anew. */
export function pollRuns(history: HistoryView): PollRun[] {
  const events = [...history.of('poll'), ...history.of('assigned')];
  // Stable: what has the same time stays in the order in which it was written.
  events.sort((a, b) => a.endedMs - b.endedMs);
  const runs: PollRun[] = [];
  const open = new Map<string, Map<number, PollRun>>();
  for (const event of events) {
    const { process } = event;
    let own = open.get(process);
    if (own === undefined) open.set(process, (own = new Map()));
    if (event.kind === 'assigned') {
      own.clear();
      continue;
    }
    if (event.records.length === 0) continue;
    const { partition, how, client } = event;
    let run = own.get(partition);
    if (run === undefined) {
      own.set(
        partition,
        (run = { process, partition, how, jumpsMax: client === 'raw' ? 0 : 1, polls: [] }),
      );
      runs.push(run);
    }
    run.polls.push(event);
  }
  return runs;
}

/** The records of a run one by one, with their polls. */
export function* recordsOf({ polls }: PollRun): Generator<[SeenRecord, Poll]> {
  for (const poll of polls) for (const record of poll.records) yield [record, poll];
}
