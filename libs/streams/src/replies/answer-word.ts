import type { Reply } from './reply';

/** A word that says: look at the stream, there is something that no word has brought. */
export const lookWord = Buffer.alloc(0);

/** The form of a word that has an answer in it; others are for a look at the stream. */
const form = 1;
const isLastBit = 1;
const hasValueBit = 2;
const hasErrorBit = 4;
/** form, flags, how many answers came before (u32), length of the correlation id (u16). */
const headBytes = 8;
const numberMax = 0xffff_ffff;
const idBytesMax = 0xffff;

/**
 * An answer as it is published: all of it, or, where it has no number by which it is known again
 * in the stream or does not fit, the word to look.
 *
 * @param bytesMax the longest word that may be sent
 */
export function encodeWord(reply: Reply, bytesMax: number): Buffer {
  const { correlationId, value, error, isLast, number } = reply;
  const body = error ?? value;
  const idBytes = Buffer.byteLength(correlationId);
  const bytes = headBytes + idBytes + (body?.length ?? 0);
  const isWhole = error === null || value === null;
  if (number === undefined || number > numberMax || idBytes > idBytesMax) return lookWord;
  if (!isWhole || bytes > bytesMax) return lookWord;
  const word = Buffer.allocUnsafe(bytes);
  word[0] = form;
  word[1] =
    (isLast ? isLastBit : 0) |
    (value === null ? 0 : hasValueBit) |
    (error === null ? 0 : hasErrorBit);
  word.writeUInt32BE(number, 2);
  word.writeUInt16BE(idBytes, 6);
  word.write(correlationId, headBytes);
  if (body !== null) word.set(body, headBytes + idBytes);
  return word;
}

/** The answer in a word; null for the word to look, and for one of a form that is not known. */
export function decodeWord(word: Buffer): (Reply & { number: number }) | null {
  if (word.length < headBytes || word[0] !== form) return null;
  const flags = word[1]!;
  const bodyAt = headBytes + word.readUInt16BE(6);
  if (bodyAt > word.length) return null;
  const body = word.subarray(bodyAt);
  return {
    correlationId: word.toString('utf8', headBytes, bodyAt),
    value: flags & hasValueBit ? body : null,
    error: flags & hasErrorBit ? body : null,
    isLast: (flags & isLastBit) !== 0,
    number: word.readUInt32BE(2),
  };
}
