import type { CommittedOffset } from '../api';

/** The name of a partition's field in a group's offsets. */
export function offsetField(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}

/** The field's parts. */
export function parseOffsetField(field: string): { topicId: string; partition: number } {
  const slash = field.lastIndexOf('/');
  return { topicId: field.slice(0, slash), partition: Number(field.slice(slash + 1)) };
}

/**
 * Reads what the commit script wrote: `<offset> <leader epoch> <time of commit, ms> <metadata>`.
 */
export function decodeOffset(
  value: string,
): Pick<CommittedOffset, 'offset' | 'leaderEpoch' | 'metadata'> {
  const afterOffset = value.indexOf(' ');
  const afterEpoch = value.indexOf(' ', afterOffset + 1);
  const afterTime = value.indexOf(' ', afterEpoch + 1);
  return {
    offset: Number(value.slice(0, afterOffset)),
    leaderEpoch: Number(value.slice(afterOffset + 1, afterEpoch)),
    metadata: value.slice(afterTime + 1),
  };
}
