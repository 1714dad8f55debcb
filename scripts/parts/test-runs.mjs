import { join } from 'node:path';
import { root } from './project.mjs';
import { runName } from './test-servers.mjs';

/**
 * @typedef {import('./test-servers.mjs').TestServer} TestServer
 * @typedef {object} TestRun
 * @property {string} name
 * @property {TestServer} [server]
 * @property {readonly string[]} setups those that the server is in, all at once; none: plain
 * @property {string[]} args for Jest
 */

/**
 * How the servers of the tests may be set up (test/support/servers/setup.ts says what each is), in
 * pairs that run in one go, as neither hides what the other would show: of the tests that want more
 * rights than `acl` leaves, none heeds a replica.
 */
const setupPairs = [
  ['acl', 'replica'],
  ['tls', 'database-1'],
];

/**
 * Whether these pass may depend on the server, as may integration tests; all others see Redis only
 * through what these test. Of several further servers each gets a share of them;
 * `npm run test:servers` runs all on each.
 */
const onEveryServer = [
  'libs/redis',
  'libs/log',
  'libs/cluster',
  'libs/groups',
  'libs/jobs/src/feeding',
  'test/support',
].map(inProject);

/** Integration tests that take long, and bring servers of their own or do not heed a set-up. */
const inNoSetup = [
  'test/integration/sentinel-failover',
  'test/integration/cluster-failover',
  'test/integration/offsets-after-power-cut',
  'test/integration/producer-ids-after-power-cut',
  'test/integration/nothing-lost-losses',
];

/** Those of which the rights of a set-up leave little. */
const withAllRights = ['test/integration/disk-acks'];

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
  ...withoutSpecs(...inNoSetup),
];

/** With passwords always; what Sentinels and nodes of a cluster speak with TLS is of one set-up. */
const guarded = [inProject('libs/redis/src/topology/guarded-topologies')];

/** Tests that send the server commands of their own do so with rights that a gateway lacks. */
const withFewRights = [...['test/integration', 'test/clients'].map(inProject), ...ofServices];

/** These run after the others, each with the machine to itself. */
const apart = ['test/clients', 'test/e2e', 'test/chaos'];

/**
 * What `npm test` runs: all tests on the first server, then what can differ on each further one,
 * and in each pair of set-ups on one of them. With arguments for Jest only those, on the first
 * server.
 *
 * @param {readonly TestServer[]} servers without any, the tests find one in Docker
 * @param {readonly string[]} jestArgs
 * @param {readonly string[]} lacking set-ups that cannot be had
 * @returns {TestRun[]}
 */
export function testRuns(servers, jestArgs, lacking) {
  const [server, ...others] = servers;
  const plain = (/** @type {string} */ what, /** @type {string[]} */ args) => ({
    name: on(what, server),
    server,
    setups: [],
    args,
  });
  if (jestArgs.length > 0) return [plain('tests', [...jestArgs])];
  const inSetups = setUps(servers, lacking);
  // Where each further server has a set-up of its own, integration tests run on it in that.
  const integration =
    others.length <= inSetups.length
      ? [...inNoSetup, ...withAllRights].map(spec)
      : [inProject('test/integration')];
  const further = others.map((other, i) => ({
    name: on(`what may differ, part ${i + 1} of ${others.length}`, other),
    server: other,
    setups: [],
    args: [
      ...onEveryServer,
      ...integration,
      ...withoutLongOnes,
      `--shard=${i + 1}/${others.length}`,
    ],
  }));
  return [
    plain('unit and integration tests', [...ignoreModules, ...outside(...apart)]),
    plain('clients: kcat, kafkajs, @platformatic/kafka', [inProject('test/clients')]),
    plain('end to end', [inProject('test/e2e')]),
    plain('chaos', [inProject('test/chaos')]),
    ...further,
    ...inSetups,
  ];
}

/**
 * What `npm run test:servers` runs: all tests on each server, in each set-up.
 * @param {readonly TestServer[]} servers
 * @param {readonly string[]} jestArgs
 * @param {readonly string[]} lacking set-ups that cannot be had
 * @returns {TestRun[]}
 */
export function testRunsEverywhere(servers, jestArgs, lacking) {
  const each = [[], ...without(setupPairs.flat(), lacking).map((setup) => [setup])];
  return servers.flatMap((server) =>
    each.map((setups) => {
      const all = setups.includes('acl')
        ? withFewRights
        : [...ignoreModules, ...outside('test/tidy', 'test/chaos')];
      const args = jestArgs.length > 0 ? [...jestArgs] : all;
      return { name: `tests, on ${runName(server, setups)}`, server, setups, args };
    }),
  );
}

/**
 * Each pair of set-ups once, the servers taking turns from the second on, as the first has all
 * other tests.
 * @param {readonly TestServer[]} servers
 * @param {readonly string[]} lacking
 * @returns {TestRun[]}
 */
function setUps([first, ...others], lacking) {
  if (first === undefined) return [];
  const turns = [...others, first];
  const pairs = setupPairs.map((pair) => without(pair, lacking));
  return pairs.map((setups, i) => {
    const server = turns[i % turns.length];
    const args = setups.includes('tls') ? [...guarded, ...inEverySetup] : inEverySetup;
    return { name: on('integration tests', server, setups), server, setups, args };
  });
}

/**
 * @param {string} what
 * @param {TestServer | undefined} server
 * @param {readonly string[]} [setups]
 */
function on(what, server, setups = []) {
  return server === undefined ? what : `${what}, on ${runName(server, setups)}`;
}

/**
 * @param {readonly string[]} names
 * @param {readonly string[]} those
 */
function without(names, those) {
  return names.filter((name) => !those.includes(name));
}

/** @param {string[]} directories */
function outside(...directories) {
  return directories.flatMap((directory) => ['--testPathIgnorePatterns', inProject(directory)]);
}

/** @param {string[]} paths of specs, without `.spec.ts` */
function withoutSpecs(...paths) {
  return paths.flatMap((path) => ['--testPathIgnorePatterns', spec(path)]);
}

/** @param {string} path of a spec, without `.spec.ts` */
function spec(path) {
  return `^${pathPattern(path)}\\.spec\\.`;
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
