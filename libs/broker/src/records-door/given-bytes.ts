import { invalid } from './door-refusal';

/**
 * A key, a value or a header's value as it is given: text as it stands or as `{ text }`, any value
 * as `{ json }`, bytes as `{ base64 }`; null and nothing at all are no bytes. `bytes`, which
 * `ToldBytes` has beside, is passed over.
 */
export type GivenBytes =
  string | null | undefined | { text?: string; json?: unknown; base64?: string; bytes?: number };

const forms: ReadonlySet<string> = new Set(['text', 'json', 'base64']);
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/**
 * The bytes that are given; null for none.
 *
 * @param where for the message, as `records[3].value`
 * @throws DoorRefusal
 */
export function takeBytes(given: unknown, where: string): Buffer | null {
  if (given === null || given === undefined) return null;
  if (typeof given === 'string') return Buffer.from(given, 'utf8');
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw invalid('bytes-invalid', `${where} must be a string, null, {text}, {json} or {base64}`);
  }
  const names = Object.keys(given).filter((name) => name !== 'bytes');
  const [name] = names;
  if (names.length !== 1 || !forms.has(name!)) {
    const found = names.length === 0 ? 'none' : names.join(', ');
    throw invalid('bytes-invalid', `${where} must have one of text, json, base64; it has ${found}`);
  }
  const value = (given as Record<string, unknown>)[name!];
  if (name === 'json') return Buffer.from(JSON.stringify(value) ?? 'null', 'utf8');
  if (typeof value !== 'string')
    throw invalid('bytes-invalid', `${where}.${name} must be a string`);
  if (name === 'text') return Buffer.from(value, 'utf8');
  if (!base64Pattern.test(value)) {
    throw invalid('bytes-invalid', `${where}.base64 is not base64`);
  }
  return Buffer.from(value, 'base64');
}
