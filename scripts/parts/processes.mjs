import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfThere } from './project.mjs';

/**
 * A process, told from a later one that got the same number by when it started.
 * @typedef {{ pid: number, stamp: string | undefined }} Identity
 * @typedef {import('node:child_process').SpawnOptions} SpawnOptions
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const programs = new Set();

/**
 * Runs a program to its end, its output shown; gives its exit code, 1 if a signal ended it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    /** @type {SpawnOptions} */
    const shown = { stdio: ['ignore', 'inherit', 'inherit'] };
    const child = spawn(command, args, { ...shown, ...options });
    programs.add(child);
    child.once('error', reject);
    child.once('close', (code) => {
      programs.delete(child);
      resolve(code ?? 1);
    });
  });
}

/**
 * Ends what `run` is running, the hard way after `graceMs`, and resolves when all have ended. npm
 * goes on for minutes when it is asked to stop in the middle of an installation, and the next
 * start's beside it would ruin what both install.
 * @param {number} [graceMs]
 */
export async function endPrograms(graceMs = 3_000) {
  const ends = [...programs].map((child) => once(child, 'close'));
  for (const child of programs) child.kill('SIGTERM');
  const timer = setTimeout(() => {
    for (const child of programs) child.kill('SIGKILL');
  }, graceMs);
  await Promise.all(ends);
  clearTimeout(timer);
}

/**
 * Runs a short program and gives what it printed, or undefined when it failed or took too long.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {number} [timeoutMs]
 */
export function outputOf(command, args, timeoutMs = 5_000) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * Runs a short program and gives what it complained of, or undefined when it did what it was to.
 * @param {string} command
 * @param {string[]} args
 */
export function refusalOf(command, args, timeoutMs = 5_000) {
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return status === 0 ? undefined : stderr?.trim() || error?.message || `code ${status}`;
}

/**
 * Full path of a program, or undefined. Looks where package managers put things, PATH first.
 * @param {string} name
 */
export function findProgram(name) {
  const usual = ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/opt/homebrew/bin', '/snap/bin'];
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), ...usual]) {
    const file = join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/**
 * What tells a process from a later one that got the same number: when it started, or undefined
 * when there is no such process.
 * @param {number} pid
 * @returns {string | undefined}
 */
export function processStamp(pid) {
  if (process.platform !== 'linux') return outputOf('ps', ['-o', 'lstart=', '-p', String(pid)]);
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name may hold blanks and brackets; after its last one, state is field 3, start time 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  return `${readIfThere('/proc/sys/kernel/random/boot_id')?.trim()} ${fields[19]}`;
}

/**
 * True when the very process that bore this stamp still runs.
 * @param {Identity} identity
 */
export function isRunning({ pid, stamp }) {
  return stamp !== undefined && processStamp(pid) === stamp;
}

/**
 * Asks a process to end, waits, and after `graceMs` ends it the hard way when `force` says so.
 * @param {Identity} identity
 * @param {{ graceMs: number, force: boolean }} options
 */
export async function endProcess(identity, { graceMs, force }) {
  if (!isRunning(identity)) return true;
  signal(identity.pid, 'SIGTERM');
  if (await ended(identity, graceMs)) return true;
  if (!force) return false;
  signal(identity.pid, 'SIGKILL');
  return ended(identity, 5_000);
}

/**
 * @param {Identity} identity
 * @param {number} timeoutMs
 */
async function ended(identity, timeoutMs) {
  for (const until = performance.now() + timeoutMs; performance.now() < until; await sleep(20)) {
    if (!isRunning(identity)) return true;
  }
  return !isRunning(identity);
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended, or is not ours; the caller looks again.
  }
}

/**
 * The code of a system error, as EADDRINUSE; undefined where it has none.
 * @param {unknown} error
 * @returns {string | undefined}
 */
export function codeOf(error) {
  return Object(error).code;
}
