import { api } from '../api';
import { array, int16, int32, int8, nullable, string } from '../schema';

/**
 * DeleteAcls: removes what matches any of the filters. v1: pattern types. v2: flexible. v3: as v2,
 * with users' resources.
 */
export const DeleteAcls = api(
  31,
  { name: 'DeleteAcls', versions: '1-3', flexible: '2+' },
  {
    request: {
      filters: array({
        resourceTypeFilter: int8,
        resourceNameFilter: nullable(string),
        patternTypeFilter: int8.default(3),
        principalFilter: nullable(string),
        hostFilter: nullable(string),
        operation: int8,
        permissionType: int8,
      }),
    },
    response: {
      throttleTimeMs: int32.default(0),
      filterResults: array({
        errorCode: int16,
        errorMessage: nullable(string),
        matchingAcls: array({
          errorCode: int16,
          errorMessage: nullable(string),
          resourceType: int8,
          resourceName: string,
          patternType: int8.default(3),
          principal: string,
          host: string,
          operation: int8,
          permissionType: int8,
        }),
      }),
    },
  },
);
