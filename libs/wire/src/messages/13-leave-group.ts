import { api } from '../api';
import { array, int16, int32, nullable, string } from '../schema';

/**
 * LeaveGroup. v1: throttle time. v3: several members at once. v4: flexible. v5: a reason (KIP-800).
 */
export const LeaveGroup = api(
  13,
  { name: 'LeaveGroup', versions: '0-5', flexible: '4+' },
  {
    request: {
      groupId: string,
      memberId: string.until(2),
      members: array({
        memberId: string,
        groupInstanceId: nullable(string),
        reason: nullable(string).since(5),
      }).since(3),
    },
    response: {
      throttleTimeMs: int32.since(1),
      errorCode: int16,
      members: array({
        memberId: string,
        groupInstanceId: nullable(string),
        errorCode: int16,
      }).since(3),
    },
  },
);
