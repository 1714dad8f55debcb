import { api } from '../api';
import { array, bool, int16, int32, int8, nullable, string } from '../schema';

/** AlterConfigs: replaces all configs of a resource. v1: as v0, with quotas. v2: flexible. */
export const AlterConfigs = api(
  33,
  { name: 'AlterConfigs', versions: '0-2', flexible: '2+' },
  {
    request: {
      resources: array({
        resourceType: int8,
        resourceName: string,
        configs: array({ name: string, value: nullable(string) }),
      }),
      validateOnly: bool.default(false),
    },
    response: {
      throttleTimeMs: int32.default(0),
      responses: array({
        errorCode: int16,
        errorMessage: nullable(string),
        resourceType: int8,
        resourceName: string,
      }),
    },
  },
);
