import { createHash, timingSafeEqual } from 'node:crypto';
import { adminLimits } from '../limits';

/** What a key allows, the least first; each allows what those before it do. */
export const roles = ['read', 'write', 'admin'] as const;

/** What the caller of an endpoint must be allowed. */
export type Role = (typeof roles)[number];

/** An API key. The key itself is not kept. */
export interface ApiKey {
  /** For the log. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the key, as hex. */
  readonly hash: string;
}

/** A key must not be guessed; 24 characters of base64 are 144 bits. */
const keyPattern = /^[\x21-\x2b\x2d-\x7e]{16,256}$/;
const namePattern = /^[\w.-]{1,64}$/;

/**
 * Reads keys, one a line or separated by commas: `<name>:<role>:<key>`. Empty lines and those that
 * begin with # are passed over.
 *
 * @returns the keys, or what is wrong, in words that repeat no key
 */
export function parseApiKeys(text: string): { keys: ApiKey[] } | { problem: string } {
  const entries = text
    .split(/\r?\n/)
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length > adminLimits.keysMax) {
    return { problem: `must not have more than ${adminLimits.keysMax} keys` };
  }
  const keys: ApiKey[] = [];
  for (const [index, entry] of entries.entries()) {
    const [, name = '', role = '', key = ''] = /^([^:]*):([^:]*):(.*)$/.exec(entry) ?? [];
    const problem = problemOf({ name, role, key }, keys);
    if (problem !== undefined) return { problem: `key ${index + 1} ${problem}` };
    keys.push({ name, role: role as Role, hash: hashOf(key).toString('hex') });
  }
  return { keys };
}

function problemOf(
  { name, role, key }: { name: string; role: string; key: string },
  others: readonly ApiKey[],
): string | undefined {
  if (name === '' && role === '' && key === '') return 'must be written as name:role:key';
  if (!namePattern.test(name)) return 'needs a name of letters, digits, ".", "_" and "-"';
  if (!(roles as readonly string[]).includes(role)) {
    return `('${name}') needs one of the roles ${roles.join(', ')}`;
  }
  if (!keyPattern.test(key)) {
    return `('${name}') must have 16 to 256 characters, without blanks and commas`;
  }
  if (others.some((other) => other.name === name)) return `has the name of another: '${name}'`;
  const hash = hashOf(key).toString('hex');
  const twin = others.find((other) => other.hash === hash);
  return twin === undefined ? undefined : `('${name}') is the same as '${twin.name}'`;
}

/** Looks a key up; the time it takes does not depend on what it was compared with. */
export class ApiKeys {
  readonly #known: readonly { key: ApiKey; hash: Buffer }[];

  constructor(keys: readonly ApiKey[]) {
    this.#known = keys.map((key) => ({ key, hash: Buffer.from(key.hash, 'hex') }));
  }

  /** Whether there are any. */
  get isEmpty(): boolean {
    return this.#known.length === 0;
  }

  /** The key that this text is, or undefined. */
  find(text: string): ApiKey | undefined {
    const hash = hashOf(text);
    let found: ApiKey | undefined;
    // All are compared, so that the time does not tell which one it was.
    for (const { key, hash: other } of this.#known) {
      if (timingSafeEqual(hash, other)) found = key;
    }
    return found;
  }
}

/** Whether one role allows what another one does. */
export function allows(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
