import type { HistoryView } from '../history/history-view';
import type { FinalRecord, Poll } from '../history/operation';
import { Findings, groupBy, moment, place, type Checker } from './checker';
import { pollRuns, recordsOf, type PollRun } from './poll-runs';

export const pollSkip: Checker = {
  name: 'poll-skip',
  claim: 'a consumer passes over nothing that is in the log, and its offset never leaves the log',

  check(history: HistoryView) {
    const findings = new Findings();
    const logs = history.finalLogs();
    const polls = groupBy(history.reads, keyOf);
    for (const [key, own] of polls) {
      const records = logs.get(own[0]!.partition)?.records;
      if (records === undefined) polls.delete(key);
      else checkRequests(own, records, findings);
    }
    for (const run of pollRuns(history)) {
      const records = logs.get(run.partition)?.records;
      if (records !== undefined) checkRun(run, records, polls.get(keyOf(run))!, findings);
    }
    for (const poll of history.of('poll')) {
      if (poll.why !== 'OFFSET_OUT_OF_RANGE') continue;
      const where = `of partition ${poll.partition} is out of range`;
      findings.add(`${poll.process} was told at ${moment(poll.endedMs)} that its offset ${where}`);
    }
    return findings;
  },
};

function keyOf({ process, partition }: { process: string; partition: number }): string {
  return `${process} ${partition}`;
}

/** An answer begins with the first record from the offset that was asked for. */
function checkRequests(
  polls: readonly Poll[],
  log: readonly FinalRecord[],
  findings: Findings,
): void {
  const answered = new Set<number>();
  for (const { asked, records, process, partition, endedMs } of polls) {
    if (asked === null || answered.has(asked.request)) continue;
    answered.add(asked.request);
    findings.checked++;
    const first = firstAfter(log, asked.from - 1);
    if (first === undefined || first[0] >= records[0]![0]) continue;
    const left = `was not given ${first[1]} at ${place(partition, first[0])}`;
    findings.add(`${process} ${left}, at ${moment(endedMs)}, though it asked from ${asked.from}`);
  }
}

/** @param polls all of this consumer and partition */
function checkRun(
  run: PollRun,
  log: readonly FinalRecord[],
  polls: readonly Poll[],
  findings: Findings,
): void {
  // Whoever chooses its partitions begins at their start; a group has its own position.
  let last = run.how === 'assign' ? -1 : null;
  let jumps = 0;
  for (const [[offset], poll] of recordsOf(run)) {
    if (last !== null) {
      findings.checked++;
      let next = firstAfter(log, last);
      while (next && next[0] < offset && hasHad(polls, next[0], run, poll)) {
        next = firstAfter(log, next[0]);
      }
      const skipped = next && next[0] < offset ? next : null;
      if (skipped !== null && jumps++ < run.jumpsMax) findings.allowed++;
      else if (skipped !== null) {
        const what = `passed over ${skipped[1]} at ${place(run.partition, skipped[0])}`;
        findings.add(`${run.process} ${what}, at ${moment(poll.endedMs)}, to ${offset}`);
      }
    }
    last = offset;
  }
}

/**
 * Whether a record came by another request since the consumer has its position: one that it had
 * asked for before it was told where to go on, or a second one for the same records.
 */
function hasHad(polls: readonly Poll[], offset: number, { sinceMs }: PollRun, now: Poll): boolean {
  if (now.asked === null) return false;
  return polls.some(
    ({ asked, endedMs, records }) =>
      asked !== null &&
      asked.request !== now.asked!.request &&
      endedMs >= sinceMs &&
      endedMs <= now.endedMs &&
      records.some(([had]) => had === offset),
  );
}

/** The first record of a log behind an offset. */
function firstAfter(log: readonly FinalRecord[], offset: number): FinalRecord | undefined {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (log[middle]![0] > offset) high = middle;
    else low = middle + 1;
  }
  return log[low];
}
