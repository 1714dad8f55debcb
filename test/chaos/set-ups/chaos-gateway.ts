import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../../e2e/gateway-process';
import type { HistoryFile } from '../history/history-file';
import { FaultProxy } from '../network/fault-proxy';
import type { SeededRandom } from '../seeded-random';

/** Where a gateway is, and how it finds what it needs. */
export interface GatewayPlace {
  name: string;
  /** The port that it listens on itself. */
  port: number;
  /** How it finds Redis, through `redisProxies`. */
  redisUrl: string;
  /** The network between it and each Redis. */
  redisProxies: readonly FaultProxy[];
  flags: readonly string[];
  /** Where what it says is kept, if anywhere. */
  logFolder: string | null;
}

const restartPauseMs = 250;
const startsMax = 100;
const outputCharsTold = 2_000;

/**
 * A gateway as a process, with the network between its clients and it. Whatever ends it but
 * `kill`, `stop` and `close` is written down; in any case it is started again, as a supervisor
 * does.
 */
export class ChaosGateway {
  readonly name: string;
  readonly clientProxy: FaultProxy;
  readonly redisProxies: readonly FaultProxy[];
  #process: GatewayProcess | null = null;
  #isWanted = false;
  #isPaused = false;
  #starting: Promise<void> | null = null;

  constructor(
    private readonly place: GatewayPlace,
    private readonly history: HistoryFile,
    random: SeededRandom,
  ) {
    this.name = place.name;
    this.redisProxies = place.redisProxies;
    this.clientProxy = new FaultProxy({ host: '127.0.0.1', port: place.port }, random.fork());
  }

  /** Where clients find it. */
  get port(): number {
    return this.clientProxy.port;
  }

  /** Starts the network before it and then the process; resolves when it serves. */
  async open(): Promise<void> {
    await this.clientProxy.start();
    await this.start();
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

  /** Nothing is wrong any more with the network around it. */
  heal(): void {
    for (const proxy of [this.clientProxy, ...this.redisProxies]) proxy.set(null);
  }

  /** Ends the process and the network around it. */
  async close(): Promise<void> {
    await this.kill();
    await Promise.all([this.clientProxy, ...this.redisProxies].map((proxy) => proxy.stop()));
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
    const { port, redisUrl, flags } = this.place;
    const advertised = ['--advertised-host=127.0.0.1', `--advertised-port=${this.port}`];
    return GatewayProcess.start({ port, redisUrl, flags: [...advertised, ...flags] });
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
    const { logFolder } = this.place;
    if (logFolder !== null) appendFileSync(join(logFolder, `${this.name}.log`), output);
  }
}
