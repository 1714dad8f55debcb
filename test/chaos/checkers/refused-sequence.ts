import type { HistoryView } from '../history/history-view';
import { Findings, moment, type Checker } from './checker';

const refusals = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH'];

/** Raw producers have one batch under way, and repeat it with its sequence until it has an end. */
export const refusedSequence: Checker = {
  name: 'refused-sequence',
  claim: 'the next batch of an idempotent producer is not refused for its sequence',

  check(history: HistoryView) {
    const findings = new Findings();
    for (const send of history.of('send')) {
      if (send.client !== 'raw' || !send.idempotent) continue;
      findings.checked++;
      if (!refusals.includes(send.why ?? '')) continue;
      // What was acknowledged before it is gone, as it may be.
      const isAfterLoss = history.faults.some(
        ({ mayLoseMs, begunMs }) => mayLoseMs.one > 0 && begunMs <= send.endedMs,
      );
      if (isAfterLoss) findings.allowed++;
      else {
        const what = `${send.values[0]} of partition ${send.partition}`;
        findings.add(`${what} was refused at ${moment(send.endedMs)}: ${send.why}`);
      }
    }
    return findings;
  },
};
