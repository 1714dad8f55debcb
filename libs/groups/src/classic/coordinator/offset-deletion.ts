import { ErrorCode } from '@sluice/wire';
import type { DeleteOffsetsRequest, DeleteOffsetsResult } from '../../api';
import type { CommittedOffsets } from '../../store/offsets';
import { isSubscribed } from '../machine/protocols';
import { GroupState } from '../machine/states';
import { consumerProtocolType } from '../machine/subscription';
import type { OwnedGroup } from '../stored/classic-store';

/** An OffsetDelete that is refused as a whole. */
export const deletionRefusal = (errorCode: number): DeleteOffsetsResult => ({
  errorCode,
  partitions: [],
});

/**
 * OffsetDelete (KIP-496): removes offsets of topics that no member is subscribed to. Of a group
 * with members that are no consumers nothing is known about topics, so nothing is removed.
 *
 * @throws as the store
 */
export async function deleteUnusedOffsets(
  offsets: CommittedOffsets,
  { group, fence }: OwnedGroup,
  partitions: DeleteOffsetsRequest['partitions'],
): Promise<DeleteOffsetsResult> {
  if (fence === '') return deletionRefusal(ErrorCode.GROUP_ID_NOT_FOUND);
  const isInUse = group.state !== GroupState.Empty;
  if (isInUse && group.protocolType !== consumerProtocolType) {
    return deletionRefusal(ErrorCode.NON_EMPTY_GROUP);
  }
  const subscribed = new Map<string, boolean>();
  for (const { topic } of partitions) {
    if (!subscribed.has(topic)) subscribed.set(topic, isInUse && isSubscribed(group, topic));
  }
  const free = partitions.filter(({ topic }) => !subscribed.get(topic));
  await offsets.delete(group.groupId, fence, free);
  const results = partitions.map(({ topicId, topic, partition }) => {
    const isTaken = subscribed.get(topic);
    const errorCode = isTaken ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
    return { topicId, topic, partition, errorCode };
  });
  return { errorCode: ErrorCode.NONE, partitions: results };
}
