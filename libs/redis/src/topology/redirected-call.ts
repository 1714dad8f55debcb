import type { Clock } from '@sluice/base';
import type { Command, Redis } from 'ioredis';
import { isErrorReply } from '../errors';
import { redisLimits } from '../options';
import type { Address } from './place';

/** Where the servers of a cluster are, for a call that is sent on. */
export interface CallWays {
  clock: Clock;
  /** The connection to whoever has the slot now, as far as is known. */
  current(): Redis;
  /** The connection to the server at an address, once it is known. */
  at(address: Address): Promise<Redis>;
  /** The slot has moved: it is at this address from now on. */
  moved(address: Address): Promise<void>;
  /** Nobody serves the slot, or it is not known who does: the map is read anew. */
  refresh(): Promise<void>;
}

/** What a server answers that has not run a command, because its slot is elsewhere. */
const redirection = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b(?: \d+ (\S+))?/;

/**
 * One call in a Redis Cluster. A server that does not have the slot says so before it runs
 * anything, so such a call is sent on, for `redirectMsMax` at most; every other failure is the
 * caller's. Nothing is ever sent twice that may have run.
 */
export class RedirectedCall {
  readonly #resolve: Command['resolve'];
  readonly #reject: Command['reject'];
  readonly #untilMs: number;
  #tries = 0;

  constructor(
    private readonly command: Command,
    private readonly ways: CallWays,
  ) {
    ({ resolve: this.#resolve, reject: this.#reject } = command);
    this.#untilMs = ways.clock.monotonicMs() + redisLimits.redirectMsMax;
  }

  send(redis: Redis = this.ways.current(), isAsking = false): void {
    // Each connection hangs its own meter on them.
    this.command.resolve = this.#resolve;
    this.command.reject = (error: Error) => this.#failed(error);
    // It holds for the very next command of its connection.
    if (isAsking) redis.asking().catch(() => undefined);
    redis.sendCommand(this.command);
  }

  #failed(error: Error): void {
    const found = isErrorReply(error) ? redirection.exec(error.message) : null;
    const { clock } = this.ways;
    if (found === null || clock.monotonicMs() >= this.#untilMs) return this.#reject(error);
    void this.#goOn(found[1]!, addressOf(found[2]), error);
  }

  /** Does not reject. */
  async #goOn(kind: string, address: Address | null, answered: Error): Promise<void> {
    try {
      await this.#sendOn(kind, address);
    } catch {
      // It is not known whereto.
      this.#reject(answered);
    }
  }

  async #sendOn(kind: string, address: Address | null): Promise<void> {
    this.#tries++;
    if (kind === 'ASK' && address !== null) return this.send(await this.ways.at(address), true);
    if (kind === 'MOVED' && address !== null && this.#tries === 1) {
      await this.ways.moved(address);
      return this.send();
    }
    await this.#pause();
    if (kind !== 'TRYAGAIN') await this.ways.refresh();
    this.send();
  }

  #pause(): Promise<void> {
    const { redirectPauseMsMin, redirectPauseMsMax } = redisLimits;
    const ms = Math.min(redirectPauseMsMin * 2 ** (this.#tries - 1), redirectPauseMsMax);
    return new Promise((resolve) => void this.ways.clock.setTimer(ms, resolve));
  }
}

/** `host:port`; an empty host is that of whoever says it, which only the map can tell. */
export function addressOf(text: string | undefined): Address | null {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(text ?? '') ?? [];
  return host === '' || host === '?' ? null : { host, port: Number(port) };
}
