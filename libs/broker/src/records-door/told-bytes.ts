import { isUtf8 } from 'node:buffer';
import { inexactNumber } from '@sluice/base';

/**
 * How bytes are to be told: `auto` as text where they are valid UTF-8, else as base64; `text`
 * always as text; `json` as the value that they are the JSON of, else as `auto`: also where there
 * is a number that JavaScript does not keep, as an integer beyond 2^53.
 */
export type BytesForm = 'auto' | 'text' | 'json' | 'base64';

/** All forms, for checks of what is asked for. */
export const bytesForms: readonly BytesForm[] = ['auto', 'text', 'json', 'base64'];

/**
 * A key, a value or a header's value, told in the form that its property names. Null where there is
 * none. What was told can be produced again as it is, unless `cut` or `lossy`.
 */
export type ToldBytes = ({ text: string } | { json: unknown } | { base64: string }) & {
  /** How many there are, cut or not. */
  bytes: number;
  /** Only the beginning is told. */
  cut?: true;
  /** Some bytes are no UTF-8, and U+FFFD stands in their place. */
  lossy?: true;
};

/** A valid UTF-8 character has at most so many bytes after its first. */
const followingBytesMax = 3;

/** Tells bytes, at most `bytesMax` of them. */
export function tellBytes(
  bytes: Buffer | null,
  form: BytesForm,
  bytesMax: number,
): ToldBytes | null {
  if (bytes === null) return null;
  const isCut = bytes.length > bytesMax;
  const sizes = { bytes: bytes.length, ...(isCut ? { cut: true as const } : {}) };
  if (form === 'json' && !isCut) {
    const parsed = parseJson(bytes);
    if (parsed !== undefined) return { json: parsed, ...sizes };
  }
  const isText = form !== 'base64' && isUtf8(bytes);
  if (isText) {
    const end = isCut ? characterEnd(bytes, bytesMax) : bytes.length;
    return { text: bytes.toString('utf8', 0, end), ...sizes };
  }
  const told = bytes.subarray(0, bytesMax);
  if (form === 'text') return { text: told.toString('utf8'), ...sizes, lossy: true };
  return { base64: told.toString('base64'), ...sizes };
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  try {
    const parsed = JSON.parse(text) as unknown;
    return inexactNumber(text) === null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Where the last whole character at or before `at` ends. */
function characterEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (end > 0 && at - end <= followingBytesMax && (bytes[end]! & 0xc0) === 0x80) end--;
  return end;
}
