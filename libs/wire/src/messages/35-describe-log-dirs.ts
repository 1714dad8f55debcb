import { api } from '../api';
import { array, bool, int16, int32, int64, nullable, string } from '../schema';

/**
 * DescribeLogDirs: where partitions lie and how large they are. v1: as v0. v2: flexible. v3: an
 * error of the whole. v4: sizes of the volume. v5: whether it takes no new partitions.
 */
export const DescribeLogDirs = api(
  35,
  { name: 'DescribeLogDirs', versions: '1-5', flexible: '2+' },
  {
    request: { topics: nullable(array({ topic: string, partitions: array(int32) })) },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16.since(3),
      results: array({
        errorCode: int16,
        logDir: string,
        topics: array({
          name: string,
          partitions: array({
            partitionIndex: int32,
            partitionSize: int64,
            offsetLag: int64,
            isFutureKey: bool,
          }),
        }),
        totalBytes: int64.since(4).default(-1),
        usableBytes: int64.since(4).default(-1),
        isCordoned: bool.since(5),
      }),
    },
  },
);
