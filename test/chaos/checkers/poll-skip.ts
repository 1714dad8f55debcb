import type { HistoryView } from '../history/history-view';
import type { FinalRecord } from '../history/operation';
import { Findings, moment, place, type Checker } from './checker';
import { pollRuns, recordsOf, type PollRun } from './poll-runs';

export const pollSkip: Checker = {
  name: 'poll-skip',
  claim: 'a consumer passes over nothing that is in the log, and its offset never leaves the log',

  check(history: HistoryView) {
    const findings = new Findings();
    const logs = history.finalLogs();
    for (const run of pollRuns(history)) {
      const records = logs.get(run.partition)?.records;
      if (records !== undefined) checkRun(run, records, findings);
    }
    for (const poll of history.of('poll')) {
      if (poll.why !== 'OFFSET_OUT_OF_RANGE') continue;
      const where = `of partition ${poll.partition} is out of range`;
      findings.add(`${poll.process} was told at ${moment(poll.endedMs)} that its offset ${where}`);
    }
    return findings;
  },
};

function checkRun(run: PollRun, log: readonly FinalRecord[], findings: Findings): void {
  // Whoever chooses its partitions begins at their start; a group has its own position.
  let last = run.how === 'assign' ? -1 : null;
  let jumps = 0;
  for (const [[offset], { endedMs }] of recordsOf(run)) {
    if (last !== null) {
      findings.checked++;
      const next = firstAfter(log, last);
      const isSkipped = next !== undefined && next[0] < offset;
      if (isSkipped && jumps++ < run.jumpsMax) findings.allowed++;
      else if (isSkipped) {
        const skipped = `passed over ${next[1]} at ${place(run.partition, next[0])}`;
        findings.add(`${run.process} ${skipped}, at ${moment(endedMs)}, to ${offset}`);
      }
    }
    last = offset;
  }
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
