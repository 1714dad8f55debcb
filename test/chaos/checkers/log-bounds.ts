import type { HistoryView } from '../history/history-view';
import type { Poll } from '../history/operation';
import { lostBetween } from './losses';
import { Findings, groupBy, moment, type Checker } from './checker';

export const logBounds: Checker = {
  name: 'log-bounds',
  claim: 'the log start and the log end that a gateway tells a consumer never go back',

  check(history: HistoryView) {
    const findings = new Findings();
    const polls = history.of('poll').filter(({ logEnd }) => logEnd !== null);
    for (const own of groupBy(polls, keyOf).values()) {
      own.sort((a, b) => a.endedMs - b.endedMs);
      for (const [i, poll] of own.entries()) {
        findings.checked++;
        const before = own[i - 1];
        for (const what of wrongIn(poll, before)) {
          if (before !== undefined && mayGoBack(history, before, poll)) {
            findings.allowed++;
            continue;
          }
          const who = `${poll.gateway} told ${poll.process} at ${moment(poll.endedMs)}`;
          findings.add(`${who} of partition ${poll.partition}: ${what}`);
        }
      }
    }
    return findings;
  },
};

/**
 * Where a topic asks for copies, the end is the high watermark, which is stored as a record with
 * acks=1 is: a failover may take its last moves. What lies below it is there all the same, and the
 * watermark comes back, as it does in Kafka.
 */
function mayGoBack(history: HistoryView, before: Poll, poll: Poll): boolean {
  const asksForCopies = (history.of('run')[0]?.copies ?? 1) > 1;
  return asksForCopies && poll.logEnd! < before.logEnd! && lostBetween(history, before, poll);
}

function keyOf({ process, partition, gateway }: Poll): string {
  return `${process} ${partition} ${gateway}`;
}

function wrongIn(poll: Poll, before: Poll | undefined): string[] {
  const [start, end] = [poll.logStart ?? 0, poll.logEnd!];
  const wrong: string[] = [];
  if (start > end) wrong.push(`a start of ${start}, behind the end of ${end}`);
  const last = poll.records.at(-1)?.[0];
  if (last !== undefined && last >= end) wrong.push(`offset ${last}, and an end of ${end}`);
  // Of two that were under way at once, none was the first.
  if (before === undefined || before.endedMs > poll.begunMs) return wrong;
  if (end < before.logEnd!) wrong.push(`an end of ${end}, after ${before.logEnd}`);
  if (start < (before.logStart ?? 0)) wrong.push(`a start of ${start}, after ${before.logStart}`);
  return wrong;
}
