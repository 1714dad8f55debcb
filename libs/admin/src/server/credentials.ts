import type { IncomingMessage } from 'node:http';
import { Problem } from '../http/problems';
import type { ApiKeys } from '../keys/api-keys';
import type { Caller } from './request-facts';

/** Where nobody has a key, whoever reaches the loopback address may do everything. */
const local: Caller = { name: 'local', role: 'admin' };

/**
 * What a caller without a key, or with a wrong one, is asked for. Each in a header of its own: some
 * browsers look only at the first of one line, and would not ask for a password.
 */
export const challenge = {
  'WWW-Authenticate': ['Bearer realm="sluice"', 'Basic realm="sluice"'],
};

/**
 * Who sends a request: by `Authorization: Bearer <key>`, by `X-Api-Key: <key>`, or, for browsers,
 * as the password of `Authorization: Basic`, whose user may be anything. Null: no key was sent.
 *
 * @throws Problem where there is no such key
 */
export function callerOf(request: IncomingMessage, keys: ApiKeys): Caller | null {
  if (keys.isEmpty) return local;
  const sent = sentKey(request);
  if (sent === null) return null;
  const key = keys.find(sent);
  if (key) return { name: key.name, role: key.role };
  const detail = 'There is no such API key. See SLUICE_ADMIN_KEYS.';
  throw new Problem('key-unknown', detail, { headers: challenge });
}

function sentKey({ headers }: IncomingMessage): string | null {
  const alone = headers['x-api-key'];
  if (typeof alone === 'string') return alone;
  const { authorization } = headers;
  if (authorization === undefined) return null;
  const [, scheme = '', rest = ''] = /^(\w+) +(.*)$/.exec(authorization) ?? [];
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(rest, 'base64').toString('utf8');
    return pair.slice(pair.indexOf(':') + 1);
  }
  return /^bearer$/i.test(scheme) ? rest.trim() : '';
}
