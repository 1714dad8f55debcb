import { api } from '../api';
import { array, int16, int32, int8, nullable, string } from '../schema';

/**
 * DescribeAcls: the access control lists that match a filter. v1: pattern types. v2: flexible. v3:
 * as v2, with users' resources.
 */
export const DescribeAcls = api(
  29,
  { name: 'DescribeAcls', versions: '1-3', flexible: '2+' },
  {
    request: {
      resourceTypeFilter: int8,
      resourceNameFilter: nullable(string),
      patternTypeFilter: int8.default(3),
      principalFilter: nullable(string),
      hostFilter: nullable(string),
      operation: int8,
      permissionType: int8,
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      errorMessage: nullable(string),
      resources: array({
        resourceType: int8,
        resourceName: string,
        patternType: int8.default(3),
        acls: array({ principal: string, host: string, operation: int8, permissionType: int8 }),
      }),
    },
  },
);
