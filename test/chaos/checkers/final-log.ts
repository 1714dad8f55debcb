import type { FinalLog, HistoryView } from '../history/history-view';
import type { Poll } from '../history/operation';
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
      const isSame = reads(before.get(partition), log, history.mergedEpoch(partition));
      if (!isSame) findings.add(`partition ${partition} is another one for new gateways`);
    }
    for (const poll of history.reads) {
      if (!history.finalLogs().has(poll.partition)) continue;
      for (const [offset, value] of poll.records) {
        findings.checked++;
        if (history.finalAt(poll.partition, offset)?.[1] === value) continue;
        if (mayBeLost(history, value, poll)) findings.allowed++;
        else {
          const seen = `${poll.process} got ${value} at ${moment(poll.endedMs)}`;
          findings.add(`${seen}, and it is not at ${place(poll.partition, offset)}`);
        }
      }
    }
    return findings;
  },
};

/**
 * Whether what was read may be lost. What counts is when it was written: what is on the disk is
 * safe whoever reads it when, and a gateway may hand out from its memory what Redis has just lost,
 * until it knows.
 */
function mayBeLost(history: HistoryView, value: string, poll: Poll): boolean {
  const send = history.sendOf(value);
  const writtenMs =
    send?.outcome === 'done' ? send : { begunMs: send?.begunMs ?? 0, endedMs: poll.endedMs };
  return history.mayBeLost(history.readAcks(value), writtenMs);
}

/** Whether a log reads as another one, which was read later. */
function reads(one: FinalLog | undefined, later: FinalLog, mergedEpoch: number | null): boolean {
  if (one?.end !== later.end || one.records.length !== later.records.length) return false;
  return one.records.every(([offset, value, epoch], i) => {
    const [laterOffset, laterValue, laterEpoch] = later.records[i]!;
    const isMerged = laterEpoch === mergedEpoch && epoch < laterEpoch;
    return offset === laterOffset && value === laterValue && (epoch === laterEpoch || isMerged);
  });
}

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
