import type { CommittedOffset } from '../api';
import { UnreadableGroup } from './errors';
import { checkFormat, offsetsFormat } from './format';

/** The name of a partition's field in a group's offsets. */
export function offsetField(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}

/** The field's parts. */
export function parseOffsetField(field: string): { topicId: string; partition: number } {
  const slash = field.lastIndexOf('/');
  return { topicId: field.slice(0, slash), partition: Number(field.slice(slash + 1)) };
}

/** What stands in a value. */
export type StoredOffset = Omit<CommittedOffset, 'topicId' | 'partition'>;

/** What is told of a partition without an offset. */
export const noOffset: StoredOffset = { offset: -1, leaderEpoch: -1, metadata: '', lineage: 0 };

const secondFormat = /^v2 (-?\d+) (-?\d+) \d+ (\d+) ([^]*)$/;
const firstFormat = /^(-?\d+) (-?\d+) \d+ ([^]*)$/;

/**
 * Reads what the commit script wrote: `v2 <offset> <leader epoch> <time of commit, ms> <lineage>
 * <metadata>`, or in the first format the same without `v2` and the lineage, which is 0 then.
 *
 * @param key of the hash, for the error
 * @throws UnreadableGroup
 */
export function decodeOffset(key: string, field: string, value: string): StoredOffset {
  const second = secondFormat.exec(value);
  if (second !== null) {
    const [, offset, leaderEpoch, lineage, metadata] = second;
    return stored(offset!, leaderEpoch!, lineage!, metadata!);
  }
  const first = firstFormat.exec(value);
  if (first !== null) return stored(first[1]!, first[2]!, '0', first[3]!);
  const format = /^v(\d+) /.exec(value)?.[1];
  if (format !== undefined) checkFormat(key, format, offsetsFormat);
  throw new UnreadableGroup(key, `the offset in its field "${field}" cannot be read`);
}

function stored(
  offset: string,
  leaderEpoch: string,
  lineage: string,
  metadata: string,
): StoredOffset {
  return {
    offset: Number(offset),
    leaderEpoch: Number(leaderEpoch),
    lineage: Number(lineage),
    metadata,
  };
}
