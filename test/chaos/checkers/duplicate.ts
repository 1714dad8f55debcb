import type { HistoryView } from '../history/history-view';
import type { Send } from '../history/operation';
import { Findings, place, type Checker } from './checker';

export const duplicate: Checker = {
  name: 'duplicate',
  claim: 'a record of an idempotent producer, or one that was sent once, is stored once',

  check(history: HistoryView) {
    const findings = new Findings();
    const places = new Map<string, string>();
    const told = new Set<string>();
    for (const { value, partition, offset, by } of history.sightings()) {
      const here = place(partition, offset);
      const known = places.get(value);
      if (known === undefined) {
        places.set(value, here);
        findings.checked++;
        continue;
      }
      if (known === here || told.has(`${value} ${here}`)) continue;
      told.add(`${value} ${here}`);
      if (mayRepeat(history, history.sendOf(value))) findings.allowed++;
      else findings.add(`${value} is at ${known}, and by ${by} at ${here}`);
    }
    return findings;
  },
};

/**
 * A client that is not idempotent and repeats what was not answered may store it twice. So may
 * @platformatic/kafka where its sequence is refused, because Redis has lost some of it: it goes on
 * with a new producer id.
 */
function mayRepeat(history: HistoryView, send: Send | undefined): boolean {
  if (send === undefined || send.attempts === 1) return false;
  if (!send.idempotent) return true;
  return send.client === 'platformatic' && history.mayBeLost(1, send);
}
