import { Redis } from 'ioredis';
import type { ConnectionOptions } from 'node:tls';
import { closeConnection } from '../connection';
import { isErrorReply } from '../errors';
import { redisLimits } from '../options';
import { tlsTo } from '../tls';
import { addressText, type Address } from './place';

/** As whom a server is asked. */
export interface AskedTerms {
  username: string | undefined;
  password: string | undefined;
  /** Undefined: without TLS. */
  tls: ConnectionOptions | undefined;
}

/**
 * A server that is asked now and then where others are, over one connection that is made when it is
 * needed. Each question is answered, or fails, within `askedAnswerMsMax` or so.
 */
export class AskedServer {
  readonly name: string;
  #redis: Redis | null = null;
  #lastError: Error | null = null;
  #isClosed = false;

  constructor(
    readonly address: Address,
    private readonly terms: AskedTerms,
  ) {
    this.name = addressText(address);
  }

  /** @throws Error that says why there is no answer, or the server's own */
  async ask(...words: [string, ...string[]]): Promise<unknown> {
    // A call that is sent on may want to know more while all is closed.
    if (this.#isClosed) throw new Error('it is not asked any more');
    try {
      return await this.#connected().call(...words);
    } catch (error) {
      if (isErrorReply(error)) throw error;
      // One that does not answer in time is connected to anew.
      this.#redis?.disconnect();
      this.#redis = null;
      const { message } = this.#lastError ?? (error as Error);
      const isLate = /timed out|ETIMEDOUT/i.test(message);
      throw new Error(isLate ? 'no answer in time' : message, { cause: error });
    }
  }

  /** Ends it for good: what is asked from then on fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#redis !== null) await closeConnection(this.#redis);
  }

  #connected(): Redis {
    if (this.#redis !== null && this.#redis.status !== 'end') return this.#redis;
    const { username, password, tls } = this.terms;
    const { askedAnswerMsMax } = redisLimits;
    this.#lastError = null;
    const redis = new Redis({
      ...this.address,
      username,
      password,
      tls: tls && tlsTo(this.address.host, tls),
      connectionName: 'sluice-ask',
      protocol: 2,
      lazyConnect: true,
      // Without it a server could not be asked that has no INFO for this user.
      enableReadyCheck: false,
      connectTimeout: askedAnswerMsMax,
      commandTimeout: askedAnswerMsMax,
      disconnectTimeout: redisLimits.closeTimeoutMs,
      maxRetriesPerRequest: 0,
      disableClientInfo: true,
      // Each question that finds no connection makes one.
      retryStrategy: () => null,
    });
    redis.on('error', (error: Error) => (this.#lastError = error));
    this.#redis = redis;
    return redis;
  }
}
