import { api } from '../api';
import { array, int16, int32, string } from '../schema';

/** DeleteGroups. v1: as v0, with quotas. v2: flexible. */
export const DeleteGroups = api(
  42,
  { name: 'DeleteGroups', versions: '0-2', flexible: '2+' },
  {
    request: { groupsNames: array(string) },
    response: {
      throttleTimeMs: int32.default(0),
      results: array({ groupId: string, errorCode: int16 }),
    },
  },
);
