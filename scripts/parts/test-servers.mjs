import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Trouble } from './console.mjs';
import { findProgram, outputOf } from './processes.mjs';

/**
 * @typedef {{ name: string, program: string }} TestServer `name`: product and version
 */

const usual = ['redis-server', 'valkey-server'];
const certificateDays = 2;
const opensslMsMax = 30_000;

/**
 * The servers that the tests run on: those that SLUICE_TEST_SERVERS names, separated by commas,
 * else redis-server and valkey-server of this machine. None where SLUICE_TEST_REDIS asks for
 * containers.
 * @returns {TestServer[]}
 */
export function testServers() {
  if (process.env.SLUICE_TEST_REDIS === 'docker') return [];
  const given = (process.env.SLUICE_TEST_SERVERS ?? '').split(',').filter(Boolean);
  const found = given.length > 0 ? given.map(named) : usual.flatMap((n) => findProgram(n) ?? []);
  /** @type {Map<string, TestServer>} */
  const servers = new Map();
  for (const program of found) {
    const said = outputOf(program, ['--version']) ?? '';
    const [, product, version] = /^(\w+).* v=(\S+)/.exec(said) ?? [];
    if (product === undefined) throw new Trouble(`${program} is no Redis or Valkey server.`);
    const name = `${product.toLowerCase()} ${version}`;
    // On some systems one of the two names is a link to the other.
    if (!servers.has(realpathSync(program))) servers.set(realpathSync(program), { name, program });
  }
  return [...servers.values()];
}

/** @param {string} program */
function named(program) {
  const path = program.includes('/') ? program : findProgram(program);
  if (path === undefined) throw new Trouble(`SLUICE_TEST_SERVERS: there is no ${program}.`);
  return path;
}

/**
 * Lets tests find just this server, in all of these set-ups.
 * @param {TestServer} server
 * @param {readonly string[]} setups none of them: plain
 * @returns {{ env: NodeJS.ProcessEnv, end: () => void }} the environment for them, and `end`, to be
 *   called after them
 */
export function prepareServer({ program }, setups) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-server-'));
  const end = () => rmSync(folder, { recursive: true, force: true });
  try {
    mkdirSync(join(folder, 'bin'));
    symlinkSync(program, join(folder, 'bin', 'redis-server'));
    const env = {
      ...process.env,
      PATH: [join(folder, 'bin'), process.env.PATH].join(delimiter),
      SLUICE_TEST_REDIS: 'local',
      SLUICE_TEST_SETUP: setups.join(','),
      ...(setups.includes('tls') ? makeCertificates(folder) : {}),
    };
    return { env, end };
  } catch (error) {
    end();
    throw error;
  }
}

/**
 * A certificate authority of this run alone, and a server certificate of it for 127.0.0.1.
 * @param {string} folder
 */
function makeCertificates(folder) {
  const file = (/** @type {string} */ name) => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const common = ['req', '-x509', ...key, '-days', String(certificateDays)];
  const authority = [
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
    '-subj',
    '/CN=Sluice tests',
  ];
  openssl(...common, ...authority);
  const signedBy = ['-CA', file('ca.crt'), '-CAkey', file('ca.key')];
  const server = ['-keyout', file('server.key'), '-out', file('server.crt'), '-subj', '/CN=redis'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  openssl(
    ...common,
    ...server,
    ...signedBy,
    ...names,
    '-addext',
    'basicConstraints=critical,CA:false',
  );
  return { SLUICE_TEST_TLS: folder, NODE_EXTRA_CA_CERTS: file('ca.crt') };
}

/** @param {string[]} args */
function openssl(...args) {
  if (outputOf('openssl', args, opensslMsMax) === undefined) {
    throw new Trouble('the tests with TLS need OpenSSL 3, and `openssl req` failed.');
  }
}

/**
 * What a run on a server is called.
 * @param {TestServer} server
 * @param {readonly string[]} setups
 */
export function runName({ name }, setups) {
  return [name, ...setups].join(', ');
}
