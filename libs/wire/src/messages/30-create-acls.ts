import { api } from '../api';
import { array, int16, int32, int8, nullable, string } from '../schema';

/** CreateAcls. v1: pattern types. v2: flexible. v3: as v2, with users' resources. */
export const CreateAcls = api(
  30,
  { name: 'CreateAcls', versions: '1-3', flexible: '2+' },
  {
    request: {
      creations: array({
        resourceType: int8,
        resourceName: string,
        resourcePatternType: int8.default(3),
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    },
    response: {
      throttleTimeMs: int32.default(0),
      results: array({ errorCode: int16, errorMessage: nullable(string) }),
    },
  },
);
