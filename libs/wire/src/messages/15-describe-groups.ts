import { api } from '../api';
import { noAuthorizedOperations } from '../authorized-operations';
import { array, bool, bytes, int16, int32, nullable, string } from '../schema';

/**
 * DescribeGroups: state and members of classic groups.
 *
 * v1: throttle time. v3: authorized operations. v4: static members. v5: flexible. v6: an unknown
 * group is an error, with a message (KIP-1043).
 */
export const DescribeGroups = api(
  15,
  { name: 'DescribeGroups', versions: '0-6', flexible: '5+' },
  {
    request: { groups: array(string), includeAuthorizedOperations: bool.since(3) },
    response: {
      throttleTimeMs: int32.since(1),
      groups: array({
        errorCode: int16,
        errorMessage: nullable(string).since(6),
        groupId: string,
        groupState: string,
        protocolType: string,
        protocolData: string,
        members: array({
          memberId: string,
          groupInstanceId: nullable(string).since(4),
          clientId: string,
          clientHost: string,
          memberMetadata: bytes,
          memberAssignment: bytes,
        }),
        authorizedOperations: int32.since(3).default(noAuthorizedOperations),
      }),
    },
  },
);
