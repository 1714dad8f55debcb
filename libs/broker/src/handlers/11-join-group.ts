import { ErrorCode, JoinGroup, type ResponseInput } from '@sluice/wire';
import { untilGone } from '../group-requests/until-gone';
import { handle } from '../requests/handler';

/** From this version on a new member is told its id first, and joins with it (KIP-394). */
const knownMemberVersion = 4;
/** From this version on the leader may be told to leave the assignment as it is (KIP-814). */
const skipAssignmentVersion = 9;

/**
 * JoinGroup, v0–v9. v0: the session timeout is the rebalance timeout. v4: member ids come first.
 * v5: static members. v6: flexible. v7: protocol type and a null protocol with an error. v8: a
 * reason. v9: the assignment may be skipped. Waits until the group's next generation begins. Not
 * covered: nothing.
 */
export const joinGroup = handle(JoinGroup, async (context, request) => {
  const { services, apiVersion, clientId, clientHost, signal } = context;
  const joining = services.groups.join({
    ...request,
    clientId,
    clientHost,
    requireKnownMemberId: apiVersion >= knownMemberVersion,
    supportsSkippingAssignment: apiVersion >= skipAssignmentVersion,
  });
  const { memberId } = request;
  const joined = await untilGone<ResponseInput<typeof JoinGroup>>(signal, joining, () => {
    return { errorCode: ErrorCode.NOT_COORDINATOR, memberId, members: [] };
  });
  if (joined.errorCode === ErrorCode.NONE) return joined;
  // Before v7 this null is written as the empty text that those versions expect.
  return { ...joined, protocolName: null };
});
