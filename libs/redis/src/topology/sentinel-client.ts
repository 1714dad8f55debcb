import { Redis } from 'ioredis';
import type { ConnectionOptions } from 'node:tls';
import { isIP } from 'node:net';
import { closeConnection } from '../connection';
import { redisLimits } from '../options';
import { addressText, type Address } from './place';
import type { SentinelLogin } from './redis-url';

/** What a Sentinel knows of a master. */
export type SentinelAnswer =
  | { tag: 'primary'; address: Address }
  /** It watches others, which are named. */
  | { tag: 'unknown-master'; known: readonly string[] }
  | { tag: 'problem'; problem: string };

/** How Sentinels are spoken to. */
export interface SentinelTerms {
  login: SentinelLogin;
  tls: ConnectionOptions | undefined;
}

/** Asks one Sentinel, over one connection that is made when it is needed. */
export class SentinelClient {
  readonly name: string;
  #redis: Redis | null = null;
  #lastError: Error | null = null;

  constructor(
    private readonly address: Address,
    private readonly terms: SentinelTerms,
  ) {
    this.name = addressText(address);
  }

  /** Where the primary of this name is, within `sentinelAnswerMsMax` or so. Does not reject. */
  async ask(masterName: string): Promise<SentinelAnswer> {
    try {
      const redis = this.#connected();
      const found = await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
      if (found !== null) {
        const [host = '', port] = found as string[];
        return { tag: 'primary', address: { host, port: Number(port) } };
      }
      const masters = (await redis.call('SENTINEL', 'MASTERS')) as string[][];
      return { tag: 'unknown-master', known: masters.flatMap(nameOf) };
    } catch (error) {
      const problem = problemOf(error as Error, this.#lastError);
      if (!isAnswer(error as Error)) this.#giveUp();
      return { tag: 'problem', problem };
    }
  }

  async close(): Promise<void> {
    if (this.#redis !== null) await closeConnection(this.#redis);
  }

  /** One that does not answer in time is connected to anew. */
  #giveUp(): void {
    this.#redis?.disconnect();
    this.#redis = null;
  }

  #connected(): Redis {
    if (this.#redis !== null && this.#redis.status !== 'end') return this.#redis;
    const { login, tls } = this.terms;
    const { sentinelAnswerMsMax } = redisLimits;
    const servername = isIP(this.address.host) === 0 ? { servername: this.address.host } : {};
    this.#lastError = null;
    this.#redis = new Redis({
      ...this.address,
      username: login.username,
      password: login.password,
      tls: login.isSecure ? { ...servername, ...tls } : undefined,
      connectionName: 'sluice-sentinel',
      protocol: 2,
      lazyConnect: true,
      // Without it a Sentinel that has no INFO for this user could not be asked.
      enableReadyCheck: false,
      connectTimeout: sentinelAnswerMsMax,
      commandTimeout: sentinelAnswerMsMax,
      disconnectTimeout: redisLimits.closeTimeoutMs,
      maxRetriesPerRequest: 0,
      disableClientInfo: true,
      // Each question that finds no connection makes one.
      retryStrategy: () => null,
    });
    this.#redis.on('error', (error: Error) => (this.#lastError = error));
    return this.#redis;
  }
}

/** The field of that name, in a flat list of names and values. */
function nameOf(master: readonly string[]): string[] {
  const at = master.indexOf('name');
  return at < 0 ? [] : [master[at + 1] ?? ''];
}

function isAnswer({ name }: Error): boolean {
  return name === 'ReplyError';
}

const passwordNeeded =
  'it wants a password: add ?sentinel-password=… (and sentinel-user=…) to REDIS_URL';

function problemOf(error: Error, lastError: Error | null): string {
  const text = isAnswer(error) ? error.message : (lastError ?? error).message;
  if (text.startsWith('NOAUTH')) return passwordNeeded;
  if (text.startsWith('WRONGPASS')) {
    return 'it refuses the user or the password: look at sentinel-user and sentinel-password';
  }
  if (text.startsWith('NOPERM')) return `its user lacks a right: ${text}`;
  if (/unknown command/i.test(text)) return 'it is a Redis server, and no Sentinel';
  if (/timed out|ETIMEDOUT/i.test(text)) return 'no answer in time';
  return text;
}
