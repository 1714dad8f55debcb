import { api } from '../api';
import { array, int16, int32, int64, nullable, string } from '../schema';

/**
 * ListTransactions: the transactional ids that a broker coordinates. v0: flexible already. v1: only
 * those that have lasted for some time. v2: only ids that match a pattern.
 */
export const ListTransactions = api(
  66,
  { name: 'ListTransactions', versions: '0-2', flexible: '0+' },
  {
    request: {
      stateFilters: array(string),
      producerIdFilters: array(int64),
      durationFilter: int64.since(1).default(-1),
      transactionalIdPattern: nullable(string).since(2),
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      unknownStateFilters: array(string),
      transactionStates: array({
        transactionalId: string,
        producerId: int64,
        transactionState: string,
      }),
    },
  },
);
