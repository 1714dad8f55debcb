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
/** A longer line of its output is shown in pieces. */
const lineCharactersMax = 65_536;

/**
 * The gateway as a child process: `settings` are what it has read, it waits for `run`, it is
 * `ready` once it listens, and `ended` tells how it ended.
 */
export class Gateway {
  #child;
  #graceMs = stopSlackMs;
  #label = '';

  /**
   * @param {readonly string[]} argv its flags
   * @param {{ isPiped: boolean }} options whether its lines are to be marked as its own
   */
  constructor(argv, { isPiped }) {
    const output = isPiped ? 'pipe' : 'inherit';
    this.#child = fork(join(root, 'scripts/parts/gateway-child.cjs'), argv, {
      cwd: root,
      execArgv: gatewayNodeFlags,
      // A session of its own: Ctrl-C reaches only us, and we stop it before Redis.
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    });
    this.#show(this.#child.stdout, (line) => console.log(line));
    this.#show(this.#child.stderr, (line) => console.error(line));
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
   * Lets it go.
   * @param {object} facts
   * @param {string} facts.redisUrl
   * @param {boolean} facts.own whether the Redis is ours
   * @param {readonly string[]} facts.flags more of them, which win over those that it has
   * @param {number} facts.graceMs what it may take to stop
   * @param {string} facts.label what its lines begin with
   */
  run({ redisUrl, own, flags, graceMs, label }) {
    this.#graceMs = graceMs + stopSlackMs;
    this.#label = label;
    // It may have died already, which `ended` tells.
    this.#child.send({ redisUrl, own, flags }, () => undefined);
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
   * @param {import('node:stream').Readable | null} output null where it goes past us
   * @param {(line: string) => void} show
   */
  #show(output, show) {
    let rest = '';
    output?.setEncoding('utf8');
    output?.on('data', (text) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > lineCharactersMax) {
        lines.push(rest);
        rest = '';
      }
      for (const line of lines) show(this.#label + line);
    });
    output?.once('end', () => {
      if (rest !== '') show(this.#label + rest);
    });
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
