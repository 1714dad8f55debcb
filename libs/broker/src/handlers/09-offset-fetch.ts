import { ErrorCode, OffsetFetch } from '@sluice/wire';
import { committedOffsets, withoutOffset } from '../group-requests/committed-offsets';
import { inTurns } from '../requests/in-turns';
import { limits } from '../limits';
import { handle } from '../requests/handler';

/** From this version on the response has a place for an error of the whole group. */
const groupErrorVersion = 2;
/** From this version on one request asks for many groups. */
const manyGroupsVersion = 8;

/**
 * OffsetFetch, v1–v9. v2: null topics mean all. v5: leader epochs. v6: flexible. v7: only stable
 * offsets, which all are without transactions. v8: many groups. Not covered: member ids and epochs
 * (v9, KIP-848), which are not checked for classic groups.
 */
export const offsetFetch = handle(OffsetFetch, async ({ services, apiVersion }, request) => {
  if (apiVersion >= manyGroupsVersion) {
    const { groupsAtOnceMax } = limits;
    const groups = await inTurns(request.groups, groupsAtOnceMax, async ({ groupId, topics }) => ({
      groupId,
      ...(await committedOffsets(services, groupId, topics)),
    }));
    return { groups };
  }
  const { groupId, topics: asked } = request;
  const { errorCode, topics } = await committedOffsets(services, groupId, asked);
  if (errorCode === ErrorCode.NONE || apiVersion >= groupErrorVersion) return { errorCode, topics };
  const failed = (asked ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) => withoutOffset(partition, errorCode)),
  }));
  return { topics: failed };
});
