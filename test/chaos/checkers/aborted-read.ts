import type { HistoryView } from '../history/history-view';
import { Findings, moment, place, type Checker } from './checker';

/** Jepsen's G1a. */
export const abortedRead: Checker = {
  name: 'aborted-read',
  claim: 'nothing is in the log that was refused, or that nobody sent',

  check(history: HistoryView) {
    const findings = new Findings();
    const told = new Set<string>();
    for (const { value, partition, offset, by } of history.sightings()) {
      findings.checked++;
      const send = history.sendOf(value);
      if (send !== undefined && send.outcome !== 'refused') continue;
      if (told.has(value)) continue;
      told.add(value);
      const where = `is by ${by} at ${place(partition, offset)}`;
      if (send === undefined) findings.add(`${value} was sent by nobody and ${where}`);
      else {
        const refused = `refused to ${send.process} at ${moment(send.endedMs)} (${send.why})`;
        findings.add(`${value} was ${refused} and ${where}`);
      }
    }
    return findings;
  },
};
