import { api } from '../api';
import { array, bool, int16, int32, int8, nullable, string, uuid } from '../schema';

/**
 * CreateTopics.
 *
 * v4: partitions and replication factor may be left to the broker (-1). v5: flexible; the response
 * tells the configs. v6: quotas. v7: the topic's id.
 */
export const CreateTopics = api(
  19,
  { name: 'CreateTopics', versions: '2-7', flexible: '5+' },
  {
    request: {
      topics: array({
        name: string,
        numPartitions: int32,
        replicationFactor: int16,
        assignments: array({ partitionIndex: int32, brokerIds: array(int32) }).default([]),
        configs: array({ name: string, value: nullable(string) }).default([]),
      }),
      timeoutMs: int32.default(60_000),
      validateOnly: bool.default(false),
    },
    response: {
      throttleTimeMs: int32.default(0),
      topics: array({
        name: string,
        topicId: uuid.since(7),
        errorCode: int16,
        errorMessage: nullable(string),
        topicConfigErrorCode: int16.tag(0, 5),
        numPartitions: int32.since(5).default(-1),
        replicationFactor: int16.since(5).default(-1),
        configs: nullable(
          array({
            name: string,
            value: nullable(string),
            readOnly: bool,
            configSource: int8.default(-1),
            isSensitive: bool,
          }),
        )
          .since(5)
          .default([]),
      }),
    },
  },
);
