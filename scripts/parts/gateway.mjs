import { fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayNodeFlags } from './node-flags.mjs';
import { processStamp } from './processes.mjs';
import { root } from './project.mjs';

/**
 * @typedef {import('../../apps/gateway/src/settings.js').GatewaySettings} GatewaySettings
 * @typedef {import('../../libs/process/src/index.js').LoadedSettings<GatewaySettings>} Loaded
 */

/** What a stop may take beyond the settings' own grace before the gateway is killed. */
const stopSlackMs = 5_000;

/**
 * The gateway as a child process: `settings` are what it has read, it waits for `run`, it is
 * `ready` once it listens, and `ended` tells how it ended.
 */
export class Gateway {
  #child;
  #graceMs = stopSlackMs;

  /** @param {readonly string[]} argv its flags */
  constructor(argv) {
    this.#child = fork(join(root, 'scripts/parts/gateway-child.cjs'), argv, {
      cwd: root,
      execArgv: gatewayNodeFlags,
      // A session of its own: Ctrl-C reaches only us, and we stop it before Redis.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    /** @type {Promise<Loaded>} */
    this.settings = this.#told('settings').then(({ loaded }) => loaded);
    /** @type {Promise<{ port: number, adminPort: number | null }>} */
    this.ready = this.#told('ready');
    /** @type {Promise<string>} */
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const { pid = 0 } = this.#child;
    this.identity = { pid, stamp: processStamp(pid) };
  }

  /**
   * Lets it go; `graceMs` is what it may take to stop.
   * @param {{ redisUrl: string, own: boolean, graceMs: number }} facts `own`: the Redis is ours
   */
  run({ redisUrl, own, graceMs }) {
    this.#graceMs = graceMs + stopSlackMs;
    // It may have died already, which `ended` tells.
    this.#child.send({ redisUrl, own }, () => undefined);
  }

  /**
   * Asks it to answer what is under way and to end; ends it the hard way when that takes too long.
   */
  async stop() {
    this.#child.kill('SIGTERM');
    const late = sleep(this.#graceMs, 'late', { ref: false });
    if ((await Promise.race([this.ended, late])) !== 'late') return;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /**
   * @param {'settings' | 'ready'} type
   * @returns {Promise<any>} the first message of this type
   */
  #told(type) {
    return new Promise((resolve) => {
      this.#child.on('message', (message) => {
        if (Object(message).type === type) resolve(message);
      });
    });
  }

  /** Ends it at once. */
  kill() {
    this.#child.kill('SIGKILL');
  }
}
