import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const entry = join(__dirname, '../../dist/apps/gateway/apps/gateway/src/main.js');

/**
 * The gateway alone, as `npm run build` (and so `npm test`) has built it, on a Redis that is there:
 * a process that can be killed as processes are.
 */
export class GatewayProcess {
  readonly #ended: Promise<void>;

  private constructor(private readonly child: ChildProcess) {
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** Resolves when it listens; throws what it has said when it ends instead. */
  static async start(options: { redisUrl: string; port: number }): Promise<GatewayProcess> {
    const { redisUrl, port } = options;
    const args = ['--port', String(port), '--host', '127.0.0.1'];
    const child = fork(entry, [...args, '--redis-url', redisUrl], { silent: true });
    const gateway = new GatewayProcess(child);
    let output = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (text) => (output += String(text)));
    }
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error(`the gateway ended:\n${output}`)));
    });
    return gateway;
  }

  /** It dies in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
  }
}
