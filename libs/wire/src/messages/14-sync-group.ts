import { api } from '../api';
import { array, bytes, int16, int32, nullable, string } from '../schema';

/**
 * SyncGroup: the leader brings the assignment, everybody takes theirs.
 *
 * v1: throttle time. v3: static members. v4: flexible. v5: protocol type and name, both ways.
 */
export const SyncGroup = api(
  14,
  { name: 'SyncGroup', versions: '0-5', flexible: '4+' },
  {
    request: {
      groupId: string,
      generationId: int32,
      memberId: string,
      groupInstanceId: nullable(string).since(3),
      protocolType: nullable(string).since(5),
      protocolName: nullable(string).since(5),
      assignments: array({ memberId: string, assignment: bytes }),
    },
    response: {
      throttleTimeMs: int32.since(1),
      errorCode: int16,
      protocolType: nullable(string).since(5),
      protocolName: nullable(string).since(5),
      assignment: bytes,
    },
  },
);
