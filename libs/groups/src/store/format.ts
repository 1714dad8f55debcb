import { UnreadableGroup } from './errors';

/**
 * The newest format of a group's state that this version reads. It stands in the field `format`,
 * and rises when an older gateway could not serve the group rightly any more.
 */
export const stateFormat = 2;

/**
 * The format of a state by its engine. 1: a classic group, as described in the group-codec.ts of
 * that engine; a state without the field is of that format too. 2: a group whose members share out
 * its partitions by themselves.
 */
export const stateFormats = { classic: 1, assigned: 2 } as const;

/**
 * The format of committed offsets: the newest in a hash in its field `format`, which also makes
 * that the key exists as long as the group does, and that of each value, after the first format, at
 * its beginning. 1: without lineage. 2: as described in offset-codec.ts.
 */
export const offsetsFormat = 2;

/** The field of both hashes. */
export const formatField = 'format';

/** The field of the offsets for the last lineage that the group has given. */
export const lineageField = 'lineage';

/**
 * Refuses what a newer gateway has written.
 *
 * @param found the stored number; null where there is none, which stands for the first format
 * @throws UnreadableGroup that names the key
 */
export function checkFormat(key: string, found: string | null, known: number): void {
  const isKnown = found === null || (/^[1-9]\d*$/.test(found) && Number(found) <= known);
  if (!isKnown) throw newerFormat(key, found, known);
}

/** The error for what is stored in a format that this version does not know. */
export function newerFormat(key: string, found: string, known: number): UnreadableGroup {
  const reason = `it is stored in format ${found}, and this version reads up to format ${known}`;
  return new UnreadableGroup(key, `${reason}; a newer gateway has written it`, true);
}
