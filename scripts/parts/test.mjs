import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { complain, duration, Trouble } from './console.mjs';
import { ensureInstalled } from './install.mjs';
import { run } from './processes.mjs';
import { readIfThere, root } from './project.mjs';
import { ensureKcat, ensurePowerCut, ensureTestRedis, whyNoLosses } from './tools.mjs';

/** A hung test must not hang whoever waits for the result. */
const jestMsMax = 30 * 60_000;
const workers = 2;

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
 * @param {readonly string[]} jestArgs
 */
export async function test(jestArgs) {
  const counts = { passed: 0, failed: 0 };
  /** @type {NotRun[]} */
  const notRun = [];
  try {
    await step('packages and tools', () => prepare(notRun));
    for (const project of ['tsconfig.check.json', 'tsconfig.scripts.json']) {
      const args = ['--noEmit', '-p', project];
      await step(`types: ${project}`, () => node('typescript/bin/tsc', ...args));
    }
    await step('lint', () => node('oxlint/bin/oxlint', '--deny-warnings'));
    await step('format', () =>
      node('prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'),
    );
    await step('build', ensureBuilt);
    for (const { name, args } of jestRuns(jestArgs)) {
      await step(name, () => jest([...args, ...leaveOut(notRun)], counts));
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
  };
  for (const [what, why] of Object.entries(lacking)) {
    if (why !== undefined) notRun.push({ what, why });
  }
}

/**
 * All tests in three parts, quickest first, or what the arguments ask for.
 * @param {readonly string[]} jestArgs
 */
function jestRuns(jestArgs) {
  if (jestArgs.length > 0) return [{ name: 'tests', args: jestArgs }];
  const late = ['test/clients', 'test/e2e'];
  const lateOnes = late.flatMap((directory) => ['--testPathIgnorePatterns', inProject(directory)]);
  return [
    { name: 'unit and integration tests', args: [...ignoreModules, ...lateOnes] },
    { name: 'clients: kcat, kafkajs, @platformatic/kafka', args: [inProject('test/clients')] },
    { name: 'end to end', args: [inProject('test/e2e')] },
  ];
}

const ignoreModules = ['--testPathIgnorePatterns', '/node_modules/'];

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
 * A pattern for the paths below a directory of this project, wherever the project lies.
 * @param {string} directory
 */
function inProject(directory) {
  return `^${join(root, directory).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/`;
}

/**
 * @param {readonly string[]} args
 * @param {Counts} counts is added to
 */
async function jest(args, counts) {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const report = join(directory, 'jest.json');
  const fixed = ['--ci', `--maxWorkers=${workers}`, '--passWithNoTests'];
  const limit = AbortSignal.timeout(jestMsMax);
  try {
    const output = ['--json', `--outputFile=${report}`];
    const command = [bin('jest/bin/jest.js'), ...fixed, ...output, ...args];
    return await run(process.execPath, command, {
      cwd: root,
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
