import { api } from '../api';
import { array, int16, int32, nullable, string, uuid } from '../schema';
import { zeroUuid } from '../uuid';

/** DeleteTopics. v1: throttle time. v4: flexible. v5: error message. v6: by name or by id. */
export const DeleteTopics = api(
  20,
  { name: 'DeleteTopics', versions: '1-6', flexible: '4+' },
  {
    request: {
      topics: array({ name: nullable(string), topicId: uuid.default(zeroUuid) }).since(6),
      topicNames: array(string).until(5),
      timeoutMs: int32,
    },
    response: {
      throttleTimeMs: int32.default(0),
      responses: array({
        name: nullable(string, 6),
        topicId: uuid.since(6),
        errorCode: int16,
        errorMessage: nullable(string).since(5),
      }),
    },
  },
);
