import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { complain, duration, Trouble } from './console.mjs';
import { ensureInstalled } from './install.mjs';
import { run } from './processes.mjs';
import { readIfThere, root } from './project.mjs';
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

/** A hung test must not hang whoever waits for the result. */
const jestMsMax = 30 * 60_000;
/** More than the two cores of the usual machine, because tests wait more than they compute. */
const workers = 3;

/**
 * @typedef {{ passed: number, failed: number }} Counts
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
  const counts = { passed: 0, failed: 0 };
  /** @type {NotRun[]} */
  const notRun = [];
  try {
    await step('packages and tools', () => prepare(notRun));
    await checks();
    const lacking = notRun.map(({ what }) => what);
    const runs = (everywhere ? testRunsEverywhere : testRuns)(testServers(), jestArgs, lacking);
    for (const run of runs) {
      await step(run.name, () => onServer(run, leaveOut(notRun), counts));
    }
  } catch (error) {
    complain(error);
    process.exitCode = 1;
    // A check that fails before any test has run is a failure too.
    counts.failed ||= 1;
  } finally {
    for (const { what, why } of notRun) console.log(`not run: the tests with ${what}: ${why}`);
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
 * @param {readonly string[]} leftOut
 * @param {Counts} counts is added to
 */
async function onServer({ server, setups, args }, leftOut, counts) {
  const all = [...args, ...leftOut];
  if (server === undefined) return jest(all, counts);
  const { env, end } = prepareServer(server, setups);
  try {
    return await jest(all, counts, env);
  } finally {
    end();
  }
}

/**
 * @param {readonly string[]} args
 * @param {Counts} counts is added to
 * @param {NodeJS.ProcessEnv} [env]
 */
async function jest(args, counts, env = process.env) {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const report = join(directory, 'jest.json');
  const fixed = ['--ci', `--maxWorkers=${workers}`, '--passWithNoTests'];
  const limit = AbortSignal.timeout(jestMsMax);
  try {
    const output = ['--json', `--outputFile=${report}`];
    const command = [bin('jest/bin/jest.js'), ...fixed, ...output, ...args];
    return await run(process.execPath, command, {
      cwd: root,
      env,
      signal: limit,
      // With --json Jest would print the report as well; people read what goes to standard error.
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch (error) {
    throw limit.aborted ? new Trouble(`the tests ran longer than ${duration(jestMsMax)}`) : error;
  } finally {
    add(counts, readIfThere(report));
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * A spec that could not even be loaded has no tests to count, and counts as one that failed.
 * @param {Counts} counts is added to
 * @param {string | undefined} report
 */
function add(counts, report) {
  if (report === undefined) {
    counts.failed += 1;
    return;
  }
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(report);
  counts.passed += numPassedTests;
  counts.failed += numFailedTests + numRuntimeErrorTestSuites;
}
