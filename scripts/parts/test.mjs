import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { complain, duration, Trouble } from './console.mjs';
import { ensureInstalled } from './install.mjs';
import { jest } from './jest.mjs';
import { run } from './processes.mjs';
import { root } from './project.mjs';
import { ignoreModules, testRuns, testRunsEverywhere } from './test-runs.mjs';
import { prepareServer, testServers } from './test-servers.mjs';
import {
  ensureKcat,
  ensurePowerCut,
  ensureTestRedis,
  whyNoCompose,
  whyNoLosses,
  whyNoNamespaces,
  whyNoObserve,
  whyNoRegistry,
  whyNoTls,
} from './tools.mjs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} unsteady what passed only when it was run again
 * @typedef {{ what: string, why: string }} NotRun tests that this machine cannot run, and why
 */

/** @param {string} file in node_modules */
const bin = (file) => join(root, 'node_modules', file);
/**
 * @param {string} file in node_modules
 * @param {string[]} args
 */
const node = (file, ...args) => run(process.execPath, [bin(file), ...args], { cwd: root });

/**
 * Everything that a change must pass. Ends with one line, `N passed, N failed`.
 *
 * @param {readonly string[]} jestArgs for Jest, or none for all tests
 * @param {{ everywhere?: boolean }} [options] `everywhere`: on each server and in each set-up
 */
export async function test(jestArgs, { everywhere = false } = {}) {
  /** @type {Counts} */
  const counts = { passed: 0, failed: 0, unsteady: [] };
  /** @type {NotRun[]} */
  const notRun = [];
  try {
    await step('packages and tools', () => prepare(notRun));
    await checks();
    const lacking = notRun.map(({ what }) => what);
    const runs = (everywhere ? testRunsEverywhere : testRuns)(testServers(), jestArgs, lacking);
    const secondTry = jestArgs.length === 0;
    for (const run of runs) {
      const all = { ...run, args: [...run.args, ...leaveOut(notRun)] };
      await step(run.name, () => onServer(all, secondTry, counts));
    }
  } catch (error) {
    complain(error);
    process.exitCode = 1;
    // A check that fails before any test has run is a failure too.
    counts.failed ||= 1;
  } finally {
    for (const { what, why } of notRun) console.log(`not run: the tests with ${what}: ${why}`);
    for (const spec of counts.unsteady) console.log(`failed first, and passed alone: ${spec}`);
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
  }
}

/** What is wrong without any test run: two lanes, as each of the programs keeps to one core. */
async function checks() {
  const types = checkTypes();
  const lanes = await Promise.allSettled([types, lintAndBuild(types)]);
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
}

function checkTypes() {
  const args = ['--noEmit', '-p', 'tsconfig.check.json'];
  return step('types', () => node('typescript/bin/tsc', ...args));
}

/** @param {Promise<void>} types the check of them */
async function lintAndBuild(types) {
  await step('lint', () => node('oxlint/bin/oxlint', '--deny-warnings'));
  await step('format', () => node('prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'));
  await step('build', () => ensureBuilt(undefined, types));
}

/**
 * One step under a headline, with its time. It fails by a non-zero exit code or by throwing.
 * @param {string} name
 * @param {() => Promise<number | void>} action
 */
async function step(name, action) {
  const startedMs = performance.now();
  console.log(`\n== ${name}`);
  const code = await action();
  const took = duration(performance.now() - startedMs);
  if (typeof code === 'number' && code !== 0) throw new Trouble(`${name}: failed after ${took}`);
  console.log(`== ${name}: ok, ${took}`);
}

/** @param {NotRun[]} notRun is added to */
async function prepare(notRun) {
  await ensureInstalled();
  await ensureTestRedis();
  const lacking = {
    kcat: await ensureKcat(),
    losses: whyNoLosses(),
    'power-cut': await ensurePowerCut(),
    tls: whyNoTls(),
    namespaces: whyNoNamespaces(),
    compose: whyNoCompose(),
    observe: whyNoObserve(),
    'npm-registry': whyNoRegistry(),
  };
  for (const [what, why] of Object.entries(lacking)) {
    if (why !== undefined) notRun.push({ what, why });
  }
}

/**
 * Specs with such a name in theirs are left out where they cannot run; it is said at the end.
 * @param {readonly NotRun[]} notRun
 */
function leaveOut(notRun) {
  if (notRun.length === 0) return [];
  return [
    ...ignoreModules,
    ...notRun.flatMap(({ what }) => ['--testPathIgnorePatterns', `${what}[^/]*$`]),
  ];
}

/**
 * Without a server of this machine, the tests find one in Docker.
 * @param {import('./test-runs.mjs').TestRun} run
 * @param {boolean} secondTry
 * @param {Counts} counts is added to
 * @returns {Promise<number>} how many have failed
 */
async function onServer({ name, server, setups, args }, secondTry, counts) {
  const prepared = server && prepareServer(server, setups);
  try {
    const { passed, failed, unsteady } = await jest(args, { env: prepared?.env, secondTry });
    counts.passed += passed;
    counts.failed += failed;
    counts.unsteady.push(...unsteady.map((spec) => `${spec} (${name})`));
    return failed;
  } finally {
    prepared?.end();
  }
}
