import { ErrorCode, type ResponseInput, SyncGroup } from '@sluice/wire';
import { untilGone } from '../group-requests/until-gone';
import { handle } from '../requests/handler';

/** From this version on the member must say which protocol it means (KIP-559). */
const namedProtocolVersion = 5;

/**
 * SyncGroup, v0–v5. v3: static members. v4: flexible. v5: protocol type and name, both ways. A
 * follower waits for the leader's assignment. While the group is still being read a member is to
 * join again, as in Kafka. Not covered: nothing.
 */
export const syncGroup = handle(SyncGroup, async (context, request) => {
  const { services, apiVersion, signal } = context;
  const { protocolType, protocolName } = request;
  const isNamed = protocolType !== null && protocolName !== null;
  if (apiVersion >= namedProtocolVersion && !isNamed) {
    return refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  const syncing = services.groups.sync(request);
  const synced = await untilGone<ResponseInput<typeof SyncGroup>>(signal, syncing, () =>
    refused(ErrorCode.NOT_COORDINATOR),
  );
  const isLoading = synced.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  return isLoading ? refused(ErrorCode.REBALANCE_IN_PROGRESS) : synced;
});

function refused(errorCode: number): ResponseInput<typeof SyncGroup> {
  return { errorCode, assignment: Buffer.alloc(0) };
}
