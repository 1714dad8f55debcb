/**
 * Waits for a parked request until its connection is gone or the gateway stops; then `cutShort` is
 * the answer. The group itself is not touched: a member that is really gone is found out by its
 * timeouts, as in Kafka.
 */
export function untilGone<T>(
  signal: AbortSignal,
  answer: Promise<T>,
  cutShort: () => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve(cutShort());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
