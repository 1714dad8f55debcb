import { join } from 'node:path';
import { root } from './project.mjs';
import { runName, setups } from './test-servers.mjs';

/**
 * @typedef {import('./test-servers.mjs').TestServer} TestServer
 * @typedef {object} TestRun
 * @property {string} name
 * @property {TestServer} [server]
 * @property {string} setup one of `setups`
 * @property {string[]} args for Jest
 */

/**
 * Whether these pass may depend on the server; all others see Redis only through what these test.
 * Of several further servers each gets a share of them; `npm run test:servers` runs all on each.
 */
const onEveryServer = [
  'libs/redis',
  'libs/log',
  'libs/cluster',
  'libs/groups',
  'libs/jobs/src/feeding',
  'test/integration',
  'test/support',
].map(inProject);

export const ignoreModules = ['--testPathIgnorePatterns', '/node_modules/'];

/** What takes longest of that; `npm run test:servers` runs these on each server, too. */
const withoutLongOnes = [
  ...ignoreModules,
  ...withoutSpecs('test/integration/offsets-after-power-cut', 'libs/cluster/src/cluster-history'),
];

/** NestJS services connect by themselves, and send what no gateway sends. */
const ofServices = [
  'libs/streams/src/replies',
  'libs/transport/src/module',
  'libs/jobs/src/feeding',
  'libs/jobs/src/nest',
].map(inProject);

/** What a set-up may change is how the gateway and services connect and what they are allowed. */
const inEverySetup = [
  inProject('test/integration'),
  ...ofServices,
  ...ignoreModules,
  // These take long, and bring servers of their own or are about nothing that a set-up changes.
  ...withoutSpecs(
    'test/integration/sentinel-failover',
    'test/integration/cluster-failover',
    'test/integration/offsets-after-power-cut',
    'test/integration/producer-ids-after-power-cut',
    'test/integration/nothing-lost-losses',
  ),
];

/** With passwords always; what Sentinels and nodes of a cluster speak with TLS is of one set-up. */
const guarded = [inProject('libs/redis/src/topology/guarded-topologies')];

/** Tests that send the server commands of their own do so with rights that a gateway lacks. */
const withFewRights = [...['test/integration', 'test/clients'].map(inProject), ...ofServices];

/** These run after the others, each with the machine to itself. */
const apart = ['test/clients', 'test/e2e', 'test/chaos'];

/**
 * What `npm test` runs: all tests on the first server, then what can differ on each further one,
 * and in each set-up on one of them. With arguments for Jest only those, on the first server.
 *
 * @param {readonly TestServer[]} servers without any, the tests find one in Docker
 * @param {readonly string[]} jestArgs
 * @returns {TestRun[]}
 */
export function testRuns(servers, jestArgs) {
  const [server, ...others] = servers;
  const plain = (/** @type {string} */ what, /** @type {string[]} */ args) => ({
    name: on(what, server),
    server,
    setup: 'plain',
    args,
  });
  if (jestArgs.length > 0) return [plain('tests', [...jestArgs])];
  const further = others.map((other, i) => ({
    name: on(`what may differ, part ${i + 1} of ${others.length}`, other),
    server: other,
    setup: 'plain',
    args: [...onEveryServer, ...withoutLongOnes, `--shard=${i + 1}/${others.length}`],
  }));
  return [
    plain('unit and integration tests', [...ignoreModules, ...without(...apart)]),
    plain('clients: kcat, kafkajs, @platformatic/kafka', [inProject('test/clients')]),
    plain('end to end', [inProject('test/e2e')]),
    plain('chaos', [inProject('test/chaos')]),
    ...further,
    ...setUps(servers),
  ];
}

/**
 * What `npm run test:servers` runs: all tests on each server, in each set-up.
 * @param {readonly TestServer[]} servers
 * @param {readonly string[]} jestArgs
 * @returns {TestRun[]}
 */
export function testRunsEverywhere(servers, jestArgs) {
  return servers.flatMap((server) =>
    setups.map((setup) => {
      const all =
        setup === 'acl' ? withFewRights : [...ignoreModules, ...without('test/tidy', 'test/chaos')];
      const args = jestArgs.length > 0 ? [...jestArgs] : all;
      return { name: `tests, on ${runName(server, setup)}`, server, setup, args };
    }),
  );
}

/**
 * Each set-up once, the servers taking turns.
 * @param {readonly TestServer[]} servers
 * @returns {TestRun[]}
 */
function setUps(servers) {
  if (servers.length === 0) return [];
  const others = setups.filter((setup) => setup !== 'plain');
  return others.map((setup, i) => {
    const server = servers[i % servers.length];
    const args = setup === 'tls' ? [...guarded, ...inEverySetup] : inEverySetup;
    return { name: on('integration tests', server, setup), server, setup, args };
  });
}

/**
 * @param {string} what
 * @param {TestServer | undefined} server
 * @param {string} [setup]
 */
function on(what, server, setup = 'plain') {
  return server === undefined ? what : `${what}, on ${runName(server, setup)}`;
}

/** @param {string[]} directories */
function without(...directories) {
  return directories.flatMap((directory) => ['--testPathIgnorePatterns', inProject(directory)]);
}

/** @param {string[]} paths of specs, without `.spec.ts` */
function withoutSpecs(...paths) {
  return paths.flatMap((path) => ['--testPathIgnorePatterns', `^${pathPattern(path)}\\.spec\\.`]);
}

/**
 * A pattern for the paths below a directory of this project, wherever the project lies.
 * @param {string} directory
 */
function inProject(directory) {
  return `^${pathPattern(directory)}/`;
}

/** @param {string} path in this project */
function pathPattern(path) {
  return join(root, path).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
