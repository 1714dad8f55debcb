import { api } from '../api';
import { array, int16, int32, int64, nullable, string } from '../schema';

/** DescribeProducers: what partitions remember of their idempotent producers (KIP-664). */
export const DescribeProducers = api(
  61,
  { name: 'DescribeProducers', versions: '0-0', flexible: '0+' },
  {
    request: { topics: array({ name: string, partitionIndexes: array(int32) }) },
    response: {
      throttleTimeMs: int32.default(0),
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          errorCode: int16,
          errorMessage: nullable(string),
          activeProducers: array({
            producerId: int64,
            producerEpoch: int32,
            lastSequence: int32.default(-1),
            lastTimestamp: int64.default(-1),
            coordinatorEpoch: int32.default(-1),
            currentTxnStartOffset: int64.default(-1),
          }),
        }),
      }),
    },
  },
);
