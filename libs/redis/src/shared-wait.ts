import type { Redis } from 'ioredis';
import type { StallWatch } from './stall-watch';

/** WAITs, or WAITAOFs, of one connection for the same number of replicas. */
interface Line {
  /** The one that is out. */
  current: Promise<unknown>;
  /** Who has come since; it is sent for all of them when the current one is answered. */
  next: Promise<unknown> | null;
}

/** What waits: its name and its arguments. */
type Waiting = ['WAIT', number, number] | ['WAITAOF', number, number, number];

/**
 * WAIT for many callers on one connection. WAIT blocks its connection, so those sent one behind the
 * other take their timeouts one after the other: with a replica that hangs and a hundred
 * partitions, minutes. But it covers everything that was written on the connection before it
 * (https://redis.io/docs/latest/commands/wait/), so one that is sent later serves all who wait.
 */
export class SharedWait {
  readonly #lines = new Map<string, Line>();
  #out = 0;

  readonly #stallMs: number;

  /** @param watch is told how long the connection may be silent, with a WAIT out and without */
  constructor(
    private readonly redis: Redis,
    private readonly watch: Pick<StallWatch, 'stallMs'>,
  ) {
    this.#stallMs = watch.stallMs;
  }

  /**
   * How many replicas have all that was written on the connection before this call, once that are
   * `copies`, or after at most three times the timeout. Rejects when the connection is another one
   * meanwhile, for which WAIT says nothing.
   */
  wait(copies: number, timeoutMs: number): Promise<number> {
    return this.#share(['WAIT', copies, timeoutMs]) as Promise<number>;
  }

  /**
   * As `wait`: whether the server's own disk has it (1), and how many disks of replicas do.
   */
  waitAof(copies: number, timeoutMs: number): Promise<[own: number, replicas: number]> {
    return this.#share(['WAITAOF', 1, copies, timeoutMs]) as Promise<[number, number]>;
  }

  #share(command: Waiting): Promise<unknown> {
    const key = command.join(' ');
    const line = this.#lines.get(key);
    if (line === undefined) return this.#begin(key, command);
    const { stream } = this.redis;
    line.next ??= line.current.then(async () => {
      // The replies right behind that of WAIT are of appends that waited for it; they join.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.redis.stream === stream && this.redis.status === 'ready') {
        return this.#begin(key, command);
      }
      this.#lines.delete(key);
      throw new Error('Connection is closed.');
    });
    return line.next;
  }

  #begin(key: string, command: Waiting): Promise<unknown> {
    const line: Line = { current: this.#send(command), next: null };
    this.#lines.set(key, line);
    const end = () => {
      if (line.next === null) this.#lines.delete(key);
    };
    line.current.then(end, () => this.#lines.delete(key));
    return line.current;
  }

  /** While it is out nothing is received, and that is no reason to break the connection off. */
  async #send(command: Waiting): Promise<unknown> {
    const { watch } = this;
    const [name, ...counts] = command;
    const timeoutMs = counts.at(-1)!;
    this.#out++;
    watch.stallMs = Math.max(watch.stallMs, this.#stallMs + timeoutMs);
    try {
      return await this.redis.call(name, ...counts);
    } finally {
      if (--this.#out === 0) watch.stallMs = this.#stallMs;
    }
  }
}
