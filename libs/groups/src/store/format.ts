import { UnreadableGroup } from './errors';

/**
 * The format of a group's state, in its field `format`. It rises when an older gateway could not
 * serve the group rightly any more. 1: as described in group-codec.ts; a state without the field is
 * of that format too.
 */
export const stateFormat = 1;

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
