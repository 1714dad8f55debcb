import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomInt } from 'node:crypto';
import { allCheckers } from './checkers/all';
import type { Checker } from './checkers/checker';
import { readHistory } from './history/history-file';
import { HistoryView } from './history/history-view';
import { helpText, readOptions, type ChaosOptions } from './options';
import { makeReport } from './report/report';
import { reportText } from './report/report-text';
import { runChaos } from './run';

const seedsOfOwn = 1_000_000;

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args, () => randomInt(seedsOfOwn));
  if (options === null) return void process.stdout.write(helpText());
  const checkers = checkersNamed(options.checkers);
  if (options.check !== null) return finish(options, options.check, checkers);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-'));
  try {
    const historyFile = options.history ?? join(folder, 'history.jsonl');
    await run(options, historyFile);
    finish(options, historyFile, checkers);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(options: ChaosOptions, historyFile: string): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const { setUp, network, seconds, seed, each, faults, logs: logFolder } = options;
  if (logFolder !== null) mkdirSync(logFolder, { recursive: true });
  const counted = each === null ? '' : ` --each ${each}`;
  const named = faults === null ? '' : ` --faults ${faults.join(',')}`;
  const made = network === 'proxies' ? '' : ` --network ${network}`;
  const asked = `--set-up ${setUp}${made} --seconds ${seconds} --seed ${seed}${counted}${named}`;
  const command = `npm run chaos -- ${asked}`;
  say(command);
  const commit = commitOf();
  const about = {
    setUp,
    network,
    seconds,
    seed,
    each,
    faults,
    command,
    commit,
    historyFile,
    logFolder,
  };
  await runChaos({ ...about, signal: stop.signal, progress: say });
  if (stop.signal.aborted) throw new Error('stopped before its end');
}

/** Checks a history and says what was found. */
function finish(options: ChaosOptions, file: string, checkers: readonly Checker[]): void {
  const history = new HistoryView(readHistory(file));
  const report = makeReport(history, checkers);
  const text = reportText(report, history);
  process.stdout.write(`\n${text}`);
  if (options.report !== null) writeFileSync(options.report, text);
  if (report.faultsFound.length > 0) process.exitCode = 1;
}

/** @throws Error that names one that does not exist */
function checkersNamed(names: readonly string[] | null): readonly Checker[] {
  if (names === null) return allCheckers;
  return names.map((name) => {
    const found = allCheckers.find((checker) => checker.name === name);
    if (found === undefined) throw new Error(`there is no checker ${name}; see --help`);
    return found;
  });
}

/** Of this project, with a mark where files differ from it. */
function commitOf(): string {
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=12'];
    return execFileSync('git', args, { cwd: __dirname, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function say(line: string): void {
  process.stderr.write(`· ${line}\n`);
}

// A run that passes leaves nothing open, and would end by itself. A client library that was given
// up, because it did not close in time, may hold timers and connections for as long as it likes.
main(process.argv.slice(2))
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  })
  .finally(() => process.exit());
