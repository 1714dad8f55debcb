/** The pseudo topic whose partitions are the slots of the coordinators. */
export const coordinatorsTopicId = '#coordinators';

/**
 * The slot that a group falls into, as Kafka finds the partition of `__consumer_offsets`: Java's
 * hash of the id, without its sign.
 */
export function slotOfGroup(groupId: string, slots: number): number {
  let hash = 0;
  for (let at = 0; at < groupId.length; at++) {
    hash = (Math.imul(31, hash) + groupId.charCodeAt(at)) | 0;
  }
  return (hash & 0x7fff_ffff) % slots;
}
