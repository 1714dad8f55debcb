import { api } from '../api';
import { int16, int32, int64, nullable, string } from '../schema';

/**
 * InitProducerId: an id for an idempotent or transactional producer.
 *
 * v2: flexible. v3: id and epoch that the producer has (KIP-360). v4: PRODUCER_FENCED. v5:
 * TRANSACTION_ABORTABLE.
 */
export const InitProducerId = api(
  22,
  { name: 'InitProducerId', versions: '0-5', flexible: '2+' },
  {
    request: {
      transactionalId: nullable(string),
      transactionTimeoutMs: int32,
      producerId: int64.since(3).default(-1),
      producerEpoch: int16.since(3).default(-1),
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      producerId: int64.default(-1),
      producerEpoch: int16,
    },
  },
);
