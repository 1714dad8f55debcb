import { api } from '../api';
import { array, bool, bytes, int16, int32, nullable, string } from '../schema';

/**
 * JoinGroup: becomes a member of a group, and waits for the others.
 *
 * v1: rebalance timeout. v2: throttle time. v4: new members are told their id first (KIP-394). v5:
 * static members. v6: flexible. v7: protocol type in the response. v8: a reason (KIP-800). v9: the
 * leader may be told to skip the assignment.
 */
export const JoinGroup = api(
  11,
  { name: 'JoinGroup', versions: '0-9', flexible: '6+' },
  {
    request: {
      groupId: string,
      sessionTimeoutMs: int32,
      rebalanceTimeoutMs: int32.since(1).default(-1),
      memberId: string,
      groupInstanceId: nullable(string).since(5),
      protocolType: string,
      protocols: array({ name: string, metadata: bytes }),
      reason: nullable(string).since(8),
    },
    response: {
      throttleTimeMs: int32.since(2),
      errorCode: int16,
      generationId: int32.default(-1),
      protocolType: nullable(string).since(7),
      protocolName: nullable(string, 7),
      leader: string.default(''),
      skipAssignment: bool.since(9),
      memberId: string,
      members: array({
        memberId: string,
        groupInstanceId: nullable(string).since(5),
        metadata: bytes,
      }),
    },
  },
);
