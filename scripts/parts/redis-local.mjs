import { spawn } from 'node:child_process';
import { readlinkSync, realpathSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say, Trouble } from './console.mjs';
import { askRedis } from './network.mjs';
import { endProcess, findProgram, isRunning, outputOf, processStamp } from './processes.mjs';
import { readIfThere } from './project.mjs';
import { clearRedisState, noteRedisState, redisArguments } from './redis-state.mjs';

const versionMin = 7;
const answerMsMax = 10_000;
const stopMsMax = 60_000;
const restartsMax = 5;
const restartWindowMs = 60_000;

/**
 * @typedef {import('./redis-state.mjs').ServerNote} ServerNote
 * @typedef {import('./processes.mjs').Identity} Identity
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 * @typedef {{ program: string, directory: string, port: number }} ServerOptions
 * @typedef {{ program: string, version: string, why?: undefined }} Found
 * @typedef {{ program?: undefined, version?: undefined, why: string }} NotFound
 */

/**
 * A server program of this machine that is new enough, or `why` there is none.
 * @returns {Found | NotFound}
 */
export function findServer() {
  let why = 'no redis-server or valkey-server is installed';
  for (const name of ['redis-server', 'valkey-server']) {
    const program = findProgram(name);
    if (program === undefined) continue;
    const version = /v=(\d+)(\.\d+)*/.exec(outputOf(program, ['--version']) ?? '');
    if (version !== null && Number(version[1]) >= versionMin) {
      return { program, version: version[0].slice('v='.length) };
    }
    why = `${program} is too old (${version?.[0] ?? 'no version'}; wanted: ${versionMin}.0)`;
  }
  return { why };
}

/**
 * Starts the server as a child on 127.0.0.1; it is `ready` when it has read its data.
 * @param {ServerOptions & { version: string }} options
 * @returns {import('./redis.mjs').OwnRedis}
 */
export function startServer({ program, version, directory, port }) {
  const server = new Server({ program, directory, port });
  const what = `${basename(program)} ${version} on 127.0.0.1:${port}`;
  const stop = () => server.stop();
  return { url: `redis://127.0.0.1:${port}`, what, ready: server.start(), stop };
}

class Server {
  #options;
  /** @type {ChildProcess | undefined} */
  #child;
  #stopping = false;
  /** @type {number[]} */
  #restarts = [];

  /** @param {ServerOptions} options */
  constructor(options) {
    this.#options = options;
  }

  async start() {
    const { program, directory, port } = this.#options;
    const own = ['--bind', '127.0.0.1', '--port', String(port), '--daemonize', 'no'];
    const files = ['--dir', '.', '--logfile', 'redis.log', '--pidfile', 'redis.pid'];
    // Detached, in a session of its own: Ctrl-C reaches only us, and Redis stops after the gateway.
    const child = spawn(program, [...own, ...files, ...redisArguments], {
      cwd: directory,
      detached: true,
      stdio: 'ignore',
    });
    this.#child = child;
    child.once('error', (error) => say(`${program} cannot be run: ${error.message}`));
    if (child.pid !== undefined) noteServer(directory, { pid: child.pid, port });
    await answering(child, port, directory);
    if (hasEnded(child)) throw new Trouble(didNotStart(directory));
    child.once('exit', (code, signal) => void this.#lost(signal ?? code));
  }

  async stop() {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return;
    const { directory } = this.#options;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    // Redis writes out and syncs its append-only file before it ends.
    child.kill('SIGTERM');
    const late = sleep(stopMsMax, 'late', { ref: false });
    if ((await Promise.race([exit, late])) === 'late') {
      throw new Trouble(
        `Redis (pid ${child.pid}) does not end; see ${join(directory, 'redis.log')}`,
      );
    }
    clearRedisState(directory);
  }

  /**
   * A Redis that dies is started again on its data, unless it dies over and over.
   * @param {string | number | null} reason
   */
  async #lost(reason) {
    if (this.#stopping) return;
    const now = performance.now();
    this.#restarts = [...this.#restarts.filter((at) => at > now - restartWindowMs), now];
    if (this.#restarts.length > restartsMax) {
      const log = join(this.#options.directory, 'redis.log');
      say(`Redis ended ${this.#restarts.length} times within a minute and is given up; see ${log}`);
      process.exitCode = 1;
      process.kill(process.pid, 'SIGTERM');
      return;
    }
    say(`Redis ended unexpectedly (${reason}); starting it again`);
    try {
      await this.start();
    } catch (error) {
      if (!this.#stopping) await sleep(500).then(() => this.#lost(String(error)));
    }
  }
}

/**
 * @param {string} directory
 * @param {{ pid: number, port: number }} server
 */
function noteServer(directory, { pid, port }) {
  noteRedisState(directory, { kind: 'process', pid, port, stamp: processStamp(pid) });
}

/** @param {ChildProcess} child */
function hasEnded(child) {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/**
 * Waits until Redis answers. While it reads its data it says so and may take as long as it needs.
 * @param {ChildProcess} child
 * @param {number} port
 * @param {string} directory
 */
async function answering(child, port, directory) {
  let until = performance.now() + answerMsMax;
  let told = false;
  while (performance.now() < until && !hasEnded(child)) {
    const reply = await askRedis(port, 'PING');
    if (reply?.startsWith('+PONG')) return;
    if (reply?.startsWith('-LOADING')) {
      if (!told) say('Redis is reading its data');
      told = true;
      until = performance.now() + answerMsMax;
    }
    await sleep(told ? 200 : 10);
  }
  if (!hasEnded(child)) child.kill('SIGTERM');
  throw new Trouble(didNotStart(directory));
}

/** @param {string} directory */
function didNotStart(directory) {
  const log = join(directory, 'redis.log');
  const lines = (readIfThere(log) ?? '').trimEnd().split('\n');
  return `Redis did not start; the end of ${log}:\n${lines.slice(-8).join('\n')}`;
}

/**
 * Ends a server that an earlier start has left on this directory; it saves its data first.
 * @param {string} directory
 * @param {ServerNote | undefined} state what that start has noted
 */
export async function endLeftServer(directory, state) {
  const noted = Number(readIfThere(join(directory, 'redis.pid')) ?? NaN);
  const inFile = { pid: noted, stamp: processStamp(noted) };
  const known = state === undefined ? [inFile] : [state, inFile];
  const left = known.find((server) => isRunning(server) && works(server, directory, state));
  if (left !== undefined) {
    say(`ending the Redis that an earlier start has left running (pid ${left.pid})`);
    if (!(await endProcess(left, { graceMs: stopMsMax, force: false }))) {
      throw new Trouble(`a Redis (pid ${left.pid}) still uses ${directory} and does not end.`);
    }
  }
  rmSync(join(directory, 'redis.pid'), { force: true });
}

/**
 * Whether the process is a server on this directory: its number alone may be another's by now.
 * @param {Identity} server
 * @param {string} directory
 * @param {ServerNote | undefined} state
 */
function works(server, directory, state) {
  if (process.platform === 'linux') {
    try {
      return readlinkSync(`/proc/${server.pid}/cwd`) === realpathSync(directory);
    } catch {
      return false;
    }
  }
  // The note has the start time too, so it cannot be another process.
  return server === state;
}
