import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../../e2e/gateway-process';
import type { HistoryFile } from '../history/history-file';
import type { Address } from '../../support/home';
import type { GatewayPlace } from '../network/chaos-network';

/** What a gateway is, and how it finds Redis. */
export interface GatewayPlan {
  name: string;
  redisUrl: string;
  flags: readonly string[];
  /** Where what it says is kept, if anywhere. */
  logFolder: string | null;
}

const restartPauseMs = 250;
const startsMax = 100;
const outputCharsTold = 2_000;

/**
 * A gateway as a process, somewhere in a network. Whatever ends it but `kill` and `stop` is written
 * down; in any case it is started again, as a supervisor does.
 */
export class ChaosGateway {
  readonly name: string;
  #process: GatewayProcess | null = null;
  #isWanted = false;
  #isPaused = false;
  #starting: Promise<void> | null = null;

  constructor(
    private readonly plan: GatewayPlan,
    readonly place: GatewayPlace,
    private readonly history: HistoryFile,
  ) {
    this.name = plan.name;
  }

  /** Where clients find it. */
  get address(): Address {
    return this.place.address;
  }

  /** Resolves when it serves; tries again where it ends instead, as long as it is wanted. */
  start(): Promise<void> {
    this.#isWanted = true;
    this.#starting ??= this.#start().finally(() => (this.#starting = null));
    return this.#starting;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    await this.#take()?.kill();
    await this.#starting;
  }

  /** SIGTERM; after a while SIGKILL. */
  async stop(killAfterMs: number): Promise<void> {
    this.#isWanted = false;
    const process = this.#take();
    if (process === null) return;
    const ended = process.end('SIGTERM');
    const isLate = Symbol('late');
    const first = await Promise.race([ended, sleep(killAfterMs, isLate, { ref: false })]);
    if (first === isLate) await process.kill();
    await ended;
    await this.#starting;
  }

  /** SIGSTOP: it keeps its connections, and does nothing. */
  pause(): void {
    if (this.#process === null) return;
    this.#isPaused = true;
    this.#process.signal('SIGSTOP');
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#process?.signal('SIGCONT');
  }

  /** The process, which from now on may end. */
  #take(): GatewayProcess | null {
    const process = this.#process;
    this.#process = null;
    this.#isPaused = false;
    return process;
  }

  async #start(): Promise<void> {
    if (this.#process !== null) return;
    for (let starts = 1; this.#isWanted; starts++) {
      try {
        const process = await this.#launch();
        if (this.#isWanted) this.#serve(process);
        else await process.kill();
        return;
      } catch (error) {
        // Redis may be away for now.
        this.#keep(`${(error as Error).message}\n`);
        if (starts === startsMax) throw error;
        await sleep(restartPauseMs);
      }
    }
  }

  #launch(): Promise<GatewayProcess> {
    const { home, port, address } = this.place;
    const { redisUrl, flags } = this.plan;
    const { host, port: toldPort } = address;
    const advertised = [`--advertised-host=${host}`, `--advertised-port=${toldPort}`];
    return GatewayProcess.start({ home, port, redisUrl, flags: [...advertised, ...flags] });
  }

  #serve(process: GatewayProcess): void {
    this.#process = process;
    void this.#watch(process);
  }

  async #watch(process: GatewayProcess): Promise<void> {
    const { code, output } = await process.ended;
    this.#keep(output);
    if (this.#process !== process) return;
    this.#process = null;
    this.history.add({
      kind: 'crash',
      gateway: this.name,
      atMs: this.history.now(),
      code: String(code),
      output: output.slice(-outputCharsTold),
    });
    if (this.#isWanted) await this.start().catch(() => undefined);
  }

  #keep(output: string): void {
    const { logFolder } = this.plan;
    if (logFolder !== null) appendFileSync(join(logFolder, `${this.name}.log`), output);
  }
}
