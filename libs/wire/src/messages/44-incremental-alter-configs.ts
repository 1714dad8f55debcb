import { api } from '../api';
import { array, bool, int16, int32, int8, nullable, string } from '../schema';

/**
 * IncrementalAlterConfigs: changes single configs (0 set, 1 delete, 2 append, 3 subtract). v1:
 * flexible.
 */
export const IncrementalAlterConfigs = api(
  44,
  { name: 'IncrementalAlterConfigs', versions: '0-1', flexible: '1+' },
  {
    request: {
      resources: array({
        resourceType: int8,
        resourceName: string,
        configs: array({ name: string, configOperation: int8, value: nullable(string) }),
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
