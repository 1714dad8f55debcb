import { api } from '../api';
import { array, int16, int32, int8, string } from '../schema';

/**
 * ListConfigResources: the names of what has configs. v0: only client metrics, and called
 * ListClientMetricsResources. v1: types (KIP-1142).
 */
export const ListConfigResources = api(
  74,
  { name: 'ListConfigResources', versions: '0-1', flexible: '0+' },
  {
    request: { resourceTypes: array(int8).since(1) },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      configResources: array({ resourceName: string, resourceType: int8.since(1).default(16) }),
    },
  },
);
