import type { HistoryView } from '../history/history-view';
import type { Timed } from '../history/operation';

/**
 * Whether something that was so at the end of one operation may have been forgotten before another
 * one ended: state of groups is promised as records with acks=1 are.
 */
export function lostBetween(history: HistoryView, before: Timed, after: Timed): boolean {
  return history.faults.some(
    ({ begunMs, endedMs, mayLoseMs }) =>
      mayLoseMs.one > 0 &&
      begunMs - mayLoseMs.one <= before.endedMs &&
      before.begunMs <= endedMs &&
      begunMs <= after.endedMs,
  );
}
