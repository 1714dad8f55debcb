import { join } from 'node:path';

/** How a server is reached under one of the set-ups that the tests run with. */
export interface ServerSetup {
  /** More arguments for the server. */
  readonly args: readonly string[];
  /** Where what is tested finds it. */
  readonly url: string;
  /** True where each server has a replica, behind a proxy. */
  readonly replica: boolean;
}

/** What a set-up may use. */
export interface SetupPlace {
  readonly host: string;
  /** The port without TLS and with all rights, which the tests themselves use. */
  readonly port: number;
  /** Another free port. */
  readonly tlsPort: number;
}

/** The user of the set-up `acl`, with the rights that the documents ask for. */
const user = { name: 'gateway', password: 'gateway-secret', keyPrefix: 'test-*' };

const setups: Record<string, (place: SetupPlace) => ServerSetup> = {
  plain: ({ host, port }) => ({ args: [], url: `redis://${host}:${port}`, replica: false }),

  tls: ({ host, tlsPort }) => {
    const folder = process.env.SLUICE_TEST_TLS;
    if (folder === undefined) throw new Error('SLUICE_TEST_TLS must name the certificates.');
    const files = Object.entries({ cert: 'server.crt', key: 'server.key', 'ca-cert': 'ca.crt' });
    const args = files.flatMap(([kind, name]) => [`--tls-${kind}-file`, join(folder, name)]);
    const more = ['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'];
    return { args: [...args, ...more], url: `rediss://${host}:${tlsPort}`, replica: false };
  },

  acl: ({ host, port }) => {
    const rights = [`~${user.keyPrefix}`, `&${user.keyPrefix}`, '+@all'];
    const args = ['--user', user.name, 'on', `>${user.password}`, ...rights];
    const url = `redis://${user.name}:${user.password}@${host}:${port}`;
    return { args, url, replica: false };
  },

  'database-1': ({ host, port }) => ({
    args: [],
    url: `redis://${host}:${port}/1`,
    replica: false,
  }),

  replica: ({ host, port }) => ({ args: [], url: `redis://${host}:${port}`, replica: true }),
};

/**
 * The set-up that `SLUICE_TEST_SETUP` names, plain without it.
 *
 * @throws Error when there is none of that name
 */
export function makeSetup(place: SetupPlace): ServerSetup {
  const name = process.env.SLUICE_TEST_SETUP || 'plain';
  const make = setups[name];
  if (make !== undefined) return make(place);
  const known = Object.keys(setups).join(', ');
  throw new Error(`SLUICE_TEST_SETUP must be one of ${known}, not "${name}".`);
}
