import type { HistoryView } from '../history/history-view';
import type { Poll } from '../history/operation';
import { Findings, moment, type Checker } from './checker';
import { pollRuns, recordsOf } from './poll-runs';

export const nonmonotonicPoll: Checker = {
  name: 'nonmonotonic-poll',
  claim: 'a consumer never goes back, but where its group gives it a new position',

  check(history: HistoryView) {
    const findings = new Findings();
    for (const run of pollRuns(history)) {
      let last = -1;
      let before: Poll | null = null;
      let jumps = 0;
      for (const [[offset], poll] of recordsOf(run)) {
        findings.checked++;
        const isBack = offset <= last;
        const isAllowed = wasAskedBefore(poll, before) || jumps < run.jumpsMax;
        if (isBack && isAllowed) findings.allowed++;
        if (isBack && !isAllowed) {
          const where = `of partition ${run.partition} at ${moment(poll.endedMs)}`;
          findings.add(`${run.process} got offset ${offset} after ${last} ${where}${when(poll)}`);
        }
        if (isBack) jumps++;
        last = offset;
        before = poll;
      }
    }
    return findings;
  },
};

/**
 * Whether a consumer had asked for it before it got what came last, by another request: it has
 * asked twice, and each of the answers is right.
 */
function wasAskedBefore({ asked, begunMs }: Poll, before: Poll | null): boolean {
  if (!asked || !before?.asked) return false;
  return asked.request !== before.asked.request && begunMs < before.endedMs;
}

function when({ asked, begunMs }: Poll): string {
  return asked ? `, asked for at ${moment(begunMs)} from ${asked.from}` : '';
}
