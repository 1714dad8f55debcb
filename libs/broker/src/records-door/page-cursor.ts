import { limits } from '../limits';
import { invalid } from './door-refusal';

/** Which way a page goes through the offsets of a partition. */
export type Direction = 'forward' | 'backward';

/**
 * Where a page begins. A position is an offset: forward, the first that is wanted; backward, the
 * one above the first that is wanted.
 */
export interface PageStart {
  topicId: string;
  direction: Direction;
  /** By partition. */
  positions: ReadonlyMap<number, number>;
}

const format = 1;

/** A page's start as a text that clients hand back and need not understand. */
export function encodeCursor({ topicId, direction, positions }: PageStart): string {
  const value = [format, topicId, direction === 'forward' ? 1 : 0, [...positions]];
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** @throws DoorRefusal where the text is no cursor */
export function decodeCursor(text: string): PageStart {
  const wrong = invalid('cursor-invalid', 'the cursor is none that was given out; leave it out');
  if (text.length > limits.cursorCharactersMax) throw wrong;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw wrong;
  }
  if (!Array.isArray(value) || value[0] !== format || typeof value[1] !== 'string') throw wrong;
  const [, topicId, forward, pairs] = value as [number, string, unknown, unknown];
  const isSound = isList(pairs) && pairs.every(isPosition);
  if (!isSound) throw wrong;
  const direction = forward === 1 ? 'forward' : 'backward';
  return { topicId, direction, positions: new Map(pairs as [number, number][]) };
}

function isList(pairs: unknown): pairs is unknown[] {
  if (!Array.isArray(pairs)) return false;
  return pairs.length > 0 && pairs.length <= limits.browsePartitionsMax;
}

function isPosition(pair: unknown): boolean {
  if (!Array.isArray(pair) || pair.length !== 2) return false;
  return pair.every((number) => Number.isSafeInteger(number) && (number as number) >= 0);
}
