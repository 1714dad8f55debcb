import { ErrorCode } from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { limits } from '../limits';
import { inTurns } from '../requests/in-turns';
import { type Outcome, refuse } from './outcome';

interface Items<T> {
  items: readonly T[];
  /** What must not appear twice. */
  keyOf: (item: T) => string;
  /** For the message about an item that does: `topic 'orders'`. */
  nameOf: (item: T) => string;
  /** How long the client waits, where it says so. */
  timeoutMs?: number;
}

/**
 * Works on the items of an admin request, some at a time. Items that share their key are answered
 * once, INVALID_REQUEST, and left alone, as in Kafka. Items that were not begun when the client's
 * time is over are answered REQUEST_TIMED_OUT; those that were are finished, so an answer is always
 * the truth.
 */
export function eachItem<T, A extends object>(
  { services }: RequestContext,
  { items, keyOf, nameOf, timeoutMs = Infinity }: Items<T>,
  work: (item: T) => Promise<A>,
  refused: (item: T, outcome: Outcome) => A,
): Promise<A[]> {
  const { clock } = services;
  const { adminItemsAtOnceMax: itemsAtOnceMax, adminRequestMsMax: requestMsMax } = limits;
  const deadlineMs = clock.monotonicMs() + Math.min(timeoutMs, requestMsMax);
  const distinct = groupByKey(items, keyOf);
  let begun = 0;
  return inTurns(distinct, itemsAtOnceMax, ([item, ...again]) => {
    if (again.length > 0) {
      const message = `Named more than once in one request: ${nameOf(item)}`;
      return refused(item, refuse(ErrorCode.INVALID_REQUEST, message));
    }
    // The first ones are begun even if the client allows no time at all.
    if (begun++ >= itemsAtOnceMax && clock.monotonicMs() > deadlineMs) {
      const message = 'Not begun: the time that the request allows was over';
      return refused(item, refuse(ErrorCode.REQUEST_TIMED_OUT, message));
    }
    return work(item);
  });
}

/** The items by their keys, in the order in which the keys first appear. */
function groupByKey<T>(items: readonly T[], keyOf: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
