import { api } from '../api';
import { array, int16, int32, int64, string } from '../schema';

/** DeleteRecords: moves the log's start. v1: as v0, with quotas. v2: flexible. */
export const DeleteRecords = api(
  21,
  { name: 'DeleteRecords', versions: '0-2', flexible: '2+' },
  {
    request: {
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, offset: int64 }),
      }),
      timeoutMs: int32,
    },
    response: {
      throttleTimeMs: int32.default(0),
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 }),
      }),
    },
  },
);
