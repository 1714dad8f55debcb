import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosClient } from './context';

/** A client that does one thing after the other until it is told to stop. */
export abstract class LoopingClient implements ChaosClient {
  #running: Promise<void> | null = null;
  #stop = new AbortController();

  constructor(readonly name: string) {}

  async start(): Promise<void> {
    this.#running = this.run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  protected get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Waits, but not beyond the moment at which it is told to stop. */
  protected async pause(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  /** Ends soon after `isStopping` is true. */
  protected abstract run(): Promise<void>;
}
