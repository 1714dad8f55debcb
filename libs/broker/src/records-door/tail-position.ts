import { limits } from '../limits';
import { invalid } from './door-refusal';

/** `<topic id>:<partition>.<next offset>,…`, short since each event bears one. */
const pattern = /^([\w-]{22}):(\d+\.\d+(?:,\d+\.\d+)*)$/;

/** The id of an event: where a reader that has it goes on. */
export function encodeTailPosition(
  topicId: string,
  positions: ReadonlyMap<number, number>,
): string {
  return `${topicId}:${[...positions].map(([index, next]) => `${index}.${next}`).join(',')}`;
}

/**
 * Where each partition goes on; null where there is no id, and where it is of a topic that was
 * deleted and made anew.
 *
 * @throws DoorRefusal where it is no id of an event
 */
export function decodeTailPosition(
  id: string | undefined,
  topicId: string,
): Map<number, number> | null {
  if (id === undefined || id === '') return null;
  const [, ofTopic, list] = (id.length <= limits.cursorCharactersMax && pattern.exec(id)) || [];
  if (ofTopic === undefined) {
    throw invalid('last-event-id-invalid', 'the Last-Event-ID is none of this endpoint');
  }
  if (ofTopic !== topicId) return null;
  const pairs = list!.split(',').map((pair) => pair.split('.').map(Number) as [number, number]);
  if (pairs.some(([, next]) => !Number.isSafeInteger(next))) {
    throw invalid('last-event-id-invalid', 'the Last-Event-ID has an offset that cannot be');
  }
  return new Map(pairs);
}
