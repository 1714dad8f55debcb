import { join } from 'node:path';
import { aclLine } from '@sluice/redis';

/** How a server is reached under one of the set-ups that the tests run with. */
export interface ServerSetup {
  /** More arguments for the server. */
  readonly args: readonly string[];
  /** Where what is tested finds it. */
  readonly url: string;
  /** The database that the URL names. */
  readonly database: number;
}

/** What a set-up may use. */
export interface SetupPlace {
  readonly host: string;
  /** The port without TLS and with all rights, which the tests themselves use. */
  readonly port: number;
  /** Another free port. */
  readonly tlsPort: number;
}

/** A user with the rights that the documents ask for, as the set-up `acl` has it. */
const user = { name: 'gateway', password: 'gateway-secret', keyPrefix: 'test-' };
/** That user in a URL. */
export const userLogin = `${user.name}:${user.password}`;

/** Arguments for a server that knows that user. */
export function userArgs(): string[] {
  const rights = aclLine(user.name, user.keyPrefix).replaceAll("'", '').split(' ').slice(3);
  return ['--user', user.name, 'on', `>${user.password}`, ...rights];
}

const setups: Record<string, (place: SetupPlace) => Partial<ServerSetup>> = {
  plain: () => ({}),

  tls: ({ host, tlsPort }) => {
    const folder = process.env.SLUICE_TEST_TLS;
    if (folder === undefined) throw new Error('SLUICE_TEST_TLS must name the certificates.');
    const files = Object.entries({ cert: 'server.crt', key: 'server.key', 'ca-cert': 'ca.crt' });
    const args = files.flatMap(([kind, name]) => [`--tls-${kind}-file`, join(folder, name)]);
    const more = ['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'];
    return { args: [...args, ...more], url: `rediss://${host}:${tlsPort}` };
  },

  acl: ({ host, port }) => ({ args: userArgs(), url: `redis://${userLogin}@${host}:${port}` }),

  'database-1': ({ host, port }) => ({ database: 1, url: `redis://${host}:${port}/1` }),

  replica: () => ({}),
};

/**
 * The set-up that `SLUICE_TEST_SETUP` names, plain without it.
 *
 * @throws Error when there is none of that name
 */
export function makeSetup(place: SetupPlace): ServerSetup {
  const name = setupName();
  const make = setups[name];
  const plain = { args: [], url: `redis://${place.host}:${place.port}`, database: 0 };
  if (make !== undefined) return { ...plain, ...make(place) };
  const known = Object.keys(setups).join(', ');
  throw new Error(`SLUICE_TEST_SETUP must be one of ${known}, not "${name}".`);
}

/** True in the set-up in which the shared server of a spec has a replica, behind a proxy. */
export function wantsReplica(): boolean {
  return setupName() === 'replica';
}

/** True in the set-up in which users of Redis have the rights that a gateway needs, and no more. */
export function hasFewRights(): boolean {
  return setupName() === 'acl';
}

function setupName(): string {
  return process.env.SLUICE_TEST_SETUP || 'plain';
}

/** The URL of a server with another database. */
export function inDatabase(url: string, database: number): string {
  const parts = new URL(url);
  parts.pathname = `/${database}`;
  return parts.href;
}
