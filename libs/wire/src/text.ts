import { wireLimits } from './limits';
import { MalformedError } from './malformed-error';

/**
 * Strings out of frames. Topic names and client ids come again with every request, so short ASCII
 * strings are remembered: finding one is cheaper than making it, and leaves no garbage. The memory
 * is a fixed number of slots, each holding the last string that fell on it, so it is bounded
 * whatever clients send.
 */
const slotCount = 1024;

/** Longer strings are decoded anew each time. */
const rememberedBytesMax = 64;

const slots: string[] = Array.from({ length: slotCount }, () => '');

/** Bytes of U+FFFD, which a single byte that is not UTF-8 becomes. */
const replacementBytes = 3;

/**
 * The UTF-8 text of these bytes; bytes that are not UTF-8 become U+FFFD, as they do in Kafka.
 *
 * @throws MalformedError when the text is too long to be written again
 */
export function text(frame: Buffer, from: number, to: number): string {
  const size = to - from;
  if (size === 0) return '';
  if (size > rememberedBytesMax) return longText(frame, from, to);
  let hash = size;
  let bits = 0;
  for (let at = from; at < to; at += 1) {
    const byte = frame[at]!;
    hash = (Math.imul(hash, 31) + byte) | 0;
    bits |= byte;
  }
  if (bits > 0x7f) return frame.toString('utf8', from, to);
  const slot = (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (slotCount - 1);
  const known = slots[slot]!;
  if (known.length === size && isText(known, frame, from)) return known;
  const made = frame.toString('latin1', from, to);
  slots[slot] = made;
  return made;
}

function longText(frame: Buffer, from: number, to: number): string {
  const { stringBytesMax } = wireLimits;
  const size = to - from;
  const made = size > stringBytesMax ? null : frame.toString('utf8', from, to);
  const mayBeLonger = size * replacementBytes > stringBytesMax;
  if (made === null || (mayBeLonger && Buffer.byteLength(made) > stringBytesMax)) {
    throw new MalformedError(`a string of ${size} bytes is too long`);
  }
  return made;
}

function isText(known: string, frame: Buffer, from: number): boolean {
  for (let index = 0; index < known.length; index += 1) {
    if (known.charCodeAt(index) !== frame[from + index]) return false;
  }
  return true;
}
