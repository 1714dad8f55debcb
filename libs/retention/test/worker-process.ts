import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '@sluice/test/support/eventually';
import type { ChildOrders } from './worker-child';

/** A worker in a process of its own, which can be killed and frozen as processes are. */
export class WorkerProcess {
  /** What it has told, in order. */
  readonly told: string[] = [];
  readonly #child: ChildProcess;

  private constructor(orders: ChildOrders) {
    const entry = join(__dirname, 'worker-process.cjs');
    this.#child = fork(entry, [JSON.stringify(orders)], { execArgv: [] });
    this.#child.on('message', (what) => void this.told.push(String(what)));
  }

  /** Resolves once it has told that it is ready. */
  static async start(orders: ChildOrders): Promise<WorkerProcess> {
    const worker = new WorkerProcess(orders);
    await worker.hasTold('ready');
    return worker;
  }

  async hasTold(what: string): Promise<void> {
    await eventually(() => this.told.includes(what), { what, timeoutMs: 120_000 });
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** It dies in the middle of whatever it does. Harmless when repeated. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
