import { api } from '../api';
import { array, bool, float64, int16, int32, int8, nullable, string } from '../schema';

/** DescribeClientQuotas: the quotas of the clients that match a filter. v1: flexible. */
export const DescribeClientQuotas = api(
  48,
  { name: 'DescribeClientQuotas', versions: '0-1', flexible: '1+' },
  {
    request: {
      components: array({ entityType: string, matchType: int8, match: nullable(string) }),
      strict: bool,
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      errorMessage: nullable(string),
      entries: nullable(
        array({
          entity: array({ entityType: string, entityName: nullable(string) }),
          values: array({ key: string, value: float64 }),
        }),
      ),
    },
  },
);
