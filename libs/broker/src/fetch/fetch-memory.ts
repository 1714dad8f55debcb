import type { BrokerServices, RequestContext } from '../requests/context';
import { limits } from '../limits';

/** How large a fetch reply may be: what the client asks, within a share of the free memory. */
export function fetchBytesMax(
  { fetchBudget }: Pick<BrokerServices, 'fetchBudget'>,
  asked: number,
): number {
  const share = Math.max(limits.fetchShareBytesMin, Math.floor(fetchBudget.bytesFree / 4));
  return Math.min(asked, limits.fetchBytesMax, share);
}

/**
 * Memory for one fetch reply out of the budget that all connections share. `reserve` waits its turn
 * and says whether there was room in time; `settle` gives back what was too much. The rest is given
 * back when the reply has left, so that clients that read slowly cannot fill the gateway's memory.
 */
export function reserveFetchMemory(context: RequestContext): {
  reserve: (bytes: number) => Promise<boolean>;
  settle: (bytesUsed: number) => void;
} {
  const { services, signal } = context;
  const { fetchBudget, clock } = services;
  let held = 0;
  context.onReplySent(() => fetchBudget.release(held));

  const reserve = (bytes: number): Promise<boolean> => {
    if (fetchBudget.tryReserve(bytes)) {
      held += bytes;
      return Promise.resolve(true);
    }
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (granted: boolean) => {
        timer.cancel();
        signal.removeEventListener('abort', giveUp);
        resolve(granted);
      };
      const cancel = fetchBudget.reserve(bytes, () => {
        held += bytes;
        finish(true);
      });
      const giveUp = () => {
        cancel();
        finish(false);
      };
      const timer = clock.setTimer(limits.fetchRoomWaitMs, giveUp);
      signal.addEventListener('abort', giveUp);
    });
  };

  const settle = (bytesUsed: number) => {
    fetchBudget.release(held - bytesUsed);
    held = bytesUsed;
  };
  return { reserve, settle };
}
