import type { FinalLog, HistoryView } from '../history/history-view';
import { Findings, moment, place, type Checker } from './checker';

export const finalLog: Checker = {
  name: 'final-log',
  claim:
    'the final log is the same from memory and from Redis, its offsets and epochs rise, and ' +
    'what was read is in it',

  check(history: HistoryView) {
    const findings = new Findings();
    const before = history.finalLogs(1);
    for (const [partition, log] of history.finalLogs(2)) {
      checkOrder(partition, log, findings);
      const isSame = JSON.stringify(log) === JSON.stringify(before.get(partition));
      if (!isSame) findings.add(`partition ${partition} is another one for new gateways`);
    }
    // A topic that asks for copies shows its readers nothing that fewer of them have.
    const isConfirmed = (history.of('run')[0]?.copies ?? 1) > 1;
    for (const poll of history.reads) {
      if (!history.finalLogs().has(poll.partition)) continue;
      for (const [offset, value] of poll.records) {
        findings.checked++;
        if (history.finalAt(poll.partition, offset)?.[1] === value) continue;
        const acks = isConfirmed ? -1 : (history.sendOf(value)?.acks ?? 1);
        if (history.mayBeLost(acks, poll)) findings.allowed++;
        else {
          const seen = `${poll.process} got ${value} at ${moment(poll.endedMs)}`;
          findings.add(`${seen}, and it is not at ${place(poll.partition, offset)}`);
        }
      }
    }
    return findings;
  },
};

function checkOrder(partition: number, { records, end }: FinalLog, findings: Findings): void {
  for (const [i, [offset, , epoch]] of records.entries()) {
    const before = records[i - 1];
    if (before === undefined) continue;
    findings.checked++;
    const here = place(partition, offset);
    if (offset <= before[0]) findings.add(`${here} comes behind offset ${before[0]}`);
    if (epoch < before[2]) findings.add(`${here} has leader epoch ${epoch} behind ${before[2]}`);
  }
  const last = records.at(-1);
  if (last === undefined) return;
  if (end === null) findings.add(`partition ${partition} could not be read to its end`);
  else if (last[0] >= end) findings.add(`${place(partition, last[0])} is behind the end, ${end}`);
}
