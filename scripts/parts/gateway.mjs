import { fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayNodeFlags } from './node-flags.mjs';
import { processStamp } from './processes.mjs';
import { root } from './project.mjs';

/** What a stop may take beyond the settings' own grace before the gateway is killed. */
const stopSlackMs = 5_000;

/**
 * The gateway as a child process: `settings` are what it has read, it waits for `run`, it is `ready` once
 * it listens, and `ended` tells how it ended.
 */
export class Gateway {
  #child;
  #graceMs = stopSlackMs;

  constructor(argv) {
    this.#child = fork(join(root, 'scripts/parts/gateway-child.cjs'), argv, {
      cwd: root,
      execArgv: gatewayNodeFlags,
      // A session of its own: Ctrl-C reaches only us, and we stop it before Redis.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.settings = this.#told('settings').then(({ loaded }) => loaded);
    this.ready = this.#told('ready');
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.identity = { pid: this.#child.pid, stamp: processStamp(this.#child.pid) };
  }

  /** Lets it go; `graceMs` is what it may take to stop. */
  run({ redisUrl, graceMs }) {
    this.#graceMs = graceMs + stopSlackMs;
    // It may have died already, which `ended` tells.
    this.#child.send({ redisUrl }, () => undefined);
  }

  /** Asks it to answer what is under way and to end; ends it the hard way when that takes too long. */
  async stop() {
    this.#child.kill('SIGTERM');
    const late = sleep(this.#graceMs, 'late', { ref: false });
    if ((await Promise.race([this.ended, late])) !== 'late') return;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #told(type) {
    return new Promise((resolve) => {
      this.#child.on('message', (message) => {
        if (message?.type === type) resolve(message);
      });
    });
  }

  /** Ends it at once. */
  kill() {
    this.#child.kill('SIGKILL');
  }
}
