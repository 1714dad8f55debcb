import type { HistoryView } from '../history/history-view';
import type { Send } from '../history/operation';
import { Findings, moment, place, type Checker } from './checker';

export const lostWrite: Checker = {
  name: 'lost-write',
  claim: 'every acknowledged record is in the final log, at the offset that was told',

  check(history: HistoryView) {
    const findings = new Findings();
    const logs = history.finalLogs();
    for (const send of history.of('send')) {
      if (send.outcome !== 'done' || !logs.has(send.partition)) continue;
      for (const [i, value] of send.values.entries()) {
        findings.checked++;
        if (isThere(history, send, i)) continue;
        if (history.mayBeLost(send.acks, send)) findings.allowed++;
        else findings.add(sentence(send, i, value));
      }
    }
    return findings;
  },
};

function isThere(history: HistoryView, { partition, offset, values }: Send, i: number): boolean {
  if (offset !== null) return history.finalAt(partition, offset + i)?.[1] === values[i];
  return history
    .finalLogs()
    .get(partition)!
    .records.some(([, value]) => value === values[i]);
}

function sentence({ partition, offset, process, endedMs, acks }: Send, i: number, value: string) {
  const where = offset === null ? `partition ${partition}` : place(partition, offset + i);
  const how = `acks=${acks === -1 ? 'all' : acks}`;
  const what = `${value} was acknowledged to ${process} at ${moment(endedMs)} (${how})`;
  return `${what} and is not at ${where}`;
}
