import { join } from 'node:path';
import { aclLine } from '@sluice/redis';

/** How a server is reached under the set-ups that the tests run with. */
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

/** What each set-up changes of the server's URL; it gives more arguments for the server. */
const setups: Record<string, (url: URL, place: SetupPlace) => readonly string[]> = {
  plain: () => [],

  tls: (url, { tlsPort }) => {
    const folder = process.env.SLUICE_TEST_TLS;
    if (folder === undefined) throw new Error('SLUICE_TEST_TLS must name the certificates.');
    url.protocol = 'rediss:';
    url.port = String(tlsPort);
    const files = Object.entries({ cert: 'server.crt', key: 'server.key', 'ca-cert': 'ca.crt' });
    const args = files.flatMap(([kind, name]) => [`--tls-${kind}-file`, join(folder, name)]);
    return [...args, '--tls-port', String(tlsPort), '--tls-auth-clients', 'no'];
  },

  acl: (url) => {
    url.username = user.name;
    url.password = user.password;
    return userArgs();
  },

  'database-1': (url) => {
    url.pathname = '/1';
    return [];
  },

  replica: () => [],
};

/**
 * All of the set-ups that `SLUICE_TEST_SETUP` names, separated by commas; plain without it.
 *
 * @throws Error when there is none of such a name
 */
export function makeSetup(place: SetupPlace): ServerSetup {
  const url = new URL(`redis://${place.host}:${place.port}`);
  const args = setupNames().flatMap((name) => {
    const make = setups[name];
    if (make !== undefined) return make(url, place);
    const known = Object.keys(setups).join(', ');
    throw new Error(`SLUICE_TEST_SETUP must name some of ${known}, not "${name}".`);
  });
  return { args, url: url.href, database: Number(url.pathname.slice(1)) };
}

/** True if the shared server of a spec has a replica, behind a proxy. */
export function wantsReplica(): boolean {
  return setupNames().includes('replica');
}

/** True if users of Redis have the rights that a gateway needs, and no more. */
export function hasFewRights(): boolean {
  return setupNames().includes('acl');
}

function setupNames(): string[] {
  return (process.env.SLUICE_TEST_SETUP || 'plain').split(',');
}

/** The URL of a server with another database. */
export function inDatabase(url: string, database: number): string {
  const parts = new URL(url);
  parts.pathname = `/${database}`;
  return parts.href;
}
