import { ErrorCode, ListTransactions } from '@sluice/wire';
import { handle } from '../requests/handler';

/** Kafka's names of a transaction's states; any other in a filter is told back. */
const states: ReadonlySet<string> = new Set([
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
]);

/**
 * ListTransactions, v0–v2. v1: only long ones. v2: only ids that match a pattern. There are no
 * transactions, so none is listed, and a pattern is not looked at.
 */
export const listTransactions = handle(ListTransactions, (_, { stateFilters }) => {
  const unknown = new Set(stateFilters.filter((state) => !states.has(state)));
  return {
    errorCode: ErrorCode.NONE,
    unknownStateFilters: [...unknown],
    transactionStates: [],
  };
});
