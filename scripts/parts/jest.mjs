import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { duration, Trouble } from './console.mjs';
import { run } from './processes.mjs';
import { readIfThere, root } from './project.mjs';

/** A hung test must not hang whoever waits for the result. */
const jestMsMax = 30 * 60_000;
/** More than the two cores of the usual machine, because tests wait more than they compute. */
const workers = 3;
/** More than so many failing specs are no chance, and are not run again. */
const secondTriesMax = 3;

/**
 * @typedef {object} JestResult
 * @property {number} passed tests
 * @property {number} failed tests, and specs that could not be loaded
 * @property {string[]} unsteady specs that failed among others, and passed alone
 */

/**
 * @typedef {object} Report what is read of Jest's
 * @property {number} passed
 * @property {number} failed
 * @property {{ name: string, passed: number, failed: number }[]} failedSpecs
 */

/**
 * Runs Jest.
 *
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, secondTry?: boolean, project?: string }} [options]
 *   `secondTry`: single specs that fail are run once more, alone. What fails again fails the run;
 *   what passes is `unsteady`. Both outputs are shown. `project`: the root of the specs
 * @returns {Promise<JestResult>}
 */
export async function jest(args, { env = process.env, secondTry = false, project = root } = {}) {
  const first = await jestOnce([`--maxWorkers=${workers}`, ...args], env, project);
  const { failedSpecs } = first;
  const isChance = failedSpecs.length > 0 && failedSpecs.length <= secondTriesMax;
  if (!secondTry || !isChance) return { ...first, unsteady: [] };
  const names = failedSpecs.map(({ name }) => name);
  const inProject = (/** @type {string} */ path) => relative(project, path);
  console.log(`\n== once more, alone: ${names.map(inProject).join(', ')}`);
  // A spec that fails again may leave something open, which Jest would wait for.
  const again = ['--runInBand', '--forceExit', '--runTestsByPath', ...names];
  const second = await jestOnce(again, env, project);
  const failedAgain = new Set(second.failedSpecs.map(({ name }) => name));
  const sum = (/** @type {'passed' | 'failed'} */ what) =>
    first[what] - failedSpecs.reduce((all, spec) => all + spec[what], 0) + second[what];
  return {
    passed: sum('passed'),
    failed: sum('failed'),
    unsteady: names.filter((name) => !failedAgain.has(name)).map(inProject),
  };
}

/**
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} project
 * @returns {Promise<Report>}
 */
async function jestOnce(args, env, project) {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const file = join(directory, 'jest.json');
  const limit = AbortSignal.timeout(jestMsMax);
  try {
    const program = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    const output = ['--ci', '--passWithNoTests', '--json', `--outputFile=${file}`];
    const code = await run(process.execPath, [program, ...output, ...args], {
      cwd: project,
      env,
      signal: limit,
      // With --json Jest would print the report as well; people read what goes to standard error.
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return readReport(readIfThere(file), code);
  } catch (error) {
    throw limit.aborted ? new Trouble(`the tests ran longer than ${duration(jestMsMax)}`) : error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * A spec that could not even be loaded has no tests to count, and counts as one that failed; so
 * does whatever else made Jest end with a failure.
 * @param {string | undefined} text
 * @param {number} code
 * @returns {Report}
 */
function readReport(text, code) {
  if (text === undefined) return { passed: 0, failed: 1, failedSpecs: [] };
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } =
    JSON.parse(text);
  /** @type {Report['failedSpecs']} */
  const failedSpecs = [];
  for (const { name, status, assertionResults } of testResults) {
    if (status !== 'failed') continue;
    const count = (/** @type {string} */ what) =>
      assertionResults.filter((/** @type {{ status: string }} */ one) => one.status === what)
        .length;
    failedSpecs.push({ name, passed: count('passed'), failed: Math.max(1, count('failed')) });
  }
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  return {
    passed: numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    failedSpecs,
  };
}
