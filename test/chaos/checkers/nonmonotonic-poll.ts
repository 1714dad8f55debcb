import type { HistoryView } from '../history/history-view';
import { Findings, moment, type Checker } from './checker';
import { pollRuns, recordsOf } from './poll-runs';

export const nonmonotonicPoll: Checker = {
  name: 'nonmonotonic-poll',
  claim: 'a consumer never goes back, but where its group gives it a new position',

  check(history: HistoryView) {
    const findings = new Findings();
    for (const run of pollRuns(history)) {
      let last = -1;
      let jumps = 0;
      for (const [[offset], { endedMs }] of recordsOf(run)) {
        findings.checked++;
        if (offset <= last && jumps++ < run.jumpsMax) findings.allowed++;
        else if (offset <= last) {
          const where = `of partition ${run.partition} at ${moment(endedMs)}`;
          findings.add(`${run.process} got offset ${offset} after ${last} ${where}`);
        }
        last = offset;
      }
    }
    return findings;
  },
};
