import type { HistoryView } from '../history/history-view';
import type { Send } from '../history/operation';
import { Findings, groupBy, moment, type Checker } from './checker';

export const nonmonotonicSend: Checker = {
  name: 'nonmonotonic-send',
  claim: 'what a process sends to a partition, one after the other, has rising offsets',

  check(history: HistoryView) {
    const findings = new Findings();
    const sends = history.of('send').filter(isPlaced);
    for (const own of groupBy(
      sends,
      ({ process, partition }) => `${process} ${partition}`,
    ).values()) {
      own.sort((a, b) => a.begunMs - b.begunMs);
      for (const [i, send] of own.entries()) {
        const before = own[i - 1];
        // Of two that were under way at once, none was the first.
        if (before === undefined || before.endedMs > send.begunMs) continue;
        findings.checked++;
        const end = before.offset + before.values.length;
        if (send.offset < end) findings.add(sentence(send, end));
      }
    }
    return findings;
  },
};

type Placed = Send & { offset: number };

function isPlaced(send: Send): send is Placed {
  return send.outcome === 'done' && send.offset !== null;
}

function sentence({ process, partition, offset, endedMs }: Placed, end: number): string {
  const what = `${process} was told offset ${offset} of partition ${partition}`;
  return `${what} at ${moment(endedMs)}, after one that ended at ${end}`;
}
