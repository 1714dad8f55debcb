import type { Socket } from 'node:net';
import { Redis, type Command } from 'ioredis';
import type { CallMeter } from './call-meter';
import { writeCommand } from './command-bytes';
import { connectorWith } from './connector';
import { systemClock, type Clock, type Logger } from '@sluice/base';
import type { RedisUnavailable } from './errors';
import type { LentReplies } from './lent-replies';
import { redisLimits, type ResolvedOptions } from './options';
import { definedScripts } from './script/script';
import { SharedWait } from './shared-wait';
import { StallWatch } from './stall-watch';
import type { Address, Place } from './topology/place';

/** What a connection is for; part of its name in CLIENT LIST. */
export type ConnectionRole =
  'write' | 'durable' | 'disk' | 'read' | 'entries' | 'subscribe' | 'recover' | 'block';

/** A connection that can be kept from being used, although it stands. */
export interface HeldConnection extends Redis {
  /** True while commands are refused. */
  readonly isHeld: boolean;
  /** The same connection for those who decide whether it may be used: never held. */
  readonly unheld: Redis;
  /** Refuses every command with this error from now on; null takes commands again. */
  hold(reason: RedisUnavailable | null): void;
}

/** A connection whose writes are waited for until they are on disks. */
export interface DiskConnection extends Redis {
  /** See `SharedWait.waitAof`. */
  waitAof(copies: number, timeoutMs: number): Promise<[own: number, replicas: number]>;
}

/** Connections on which scripts run. */
const scriptRoles: readonly ConnectionRole[] = ['write', 'durable', 'disk', 'read'];

/** A connection together with the last thing that went wrong on it. */
export interface Connection {
  redis: HeldConnection & DiskConnection;
  lastError(): Error | null;
  /** Where its place was last; null where there is none, or nobody could tell. */
  server(): Address | null;
}

/** What a connection is made with beyond its options. */
export interface ConnectionParts {
  lent?: LentReplies | undefined;
  meter?: CallMeter | undefined;
  place?: Place | undefined;
  clock?: Clock;
}

/** The wait before the n-th attempt to reconnect: doubled each time, within limits. */
export function reconnectDelayMs(attempt: number): number {
  const { reconnectDelayMinMs, reconnectDelayMaxMs } = redisLimits;
  return Math.min(reconnectDelayMinMs * 2 ** Math.min(attempt - 1, 10), reconnectDelayMaxMs);
}

/**
 * Hands all commands of one turn of the event loop to the socket together, and large arguments
 * without a copy. ioredis alone makes a system call for each command, which is most of what a small
 * command costs, and copies each argument, which is most of what a large one costs.
 */
class CoalescingRedis extends Redis implements HeldConnection {
  /** See `SharedWait.waitAof`, on the connection for that. */
  waitAof: DiskConnection['waitAof'] = () => Promise.reject(new Error('not for WAITAOF'));
  /** Where calls are measured. */
  meter: CallMeter | null = null;
  stallWatch: StallWatch | null = null;
  #corked: Socket | null = null;
  /** When the first call of this turn was made. */
  #turnMs = 0;
  #held: RedisUnavailable | null = null;
  /** Told where a server refuses a command as one that another has to run. */
  onElsewhere: (() => void) | null = null;
  /** ioredis' methods of commands call `sendCommand` of what they are called on. */
  readonly unheld: Redis = Object.assign(Object.create(this) as Redis, {
    sendCommand: (...args: Parameters<Redis['sendCommand']>) => this.#send(...args),
  });

  get isHeld(): boolean {
    return this.#held !== null;
  }

  hold(reason: RedisUnavailable | null): void {
    this.#held = reason;
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    // Before it is ready only ioredis itself gets a command through, to log in.
    if (this.#held === null || this.status !== 'ready') return this.#send(...args);
    args[0].reject(this.#held);
    return args[0].promise;
  }

  #send(...args: Parameters<Redis['sendCommand']>): unknown {
    if (this.#corked === null && this.status === 'ready') {
      this.#corked = this.stream as Socket;
      this.#corked.cork();
      if (this.meter !== null) this.#turnMs = this.meter.nowMs();
      process.nextTick(this.#uncork);
    }
    const [command, stream] = args;
    // What ioredis itself sends to log in is not measured.
    if (this.#corked !== null) this.meter?.begin(command, this.#turnMs);
    if (this.onElsewhere !== null) this.#listen(command, this.onElsewhere);
    // Commands of a pipeline are collected by ioredis, not written to the socket one by one.
    if (this.#corked !== null && stream === undefined && command.args.some(Buffer.isBuffer)) {
      command.toWritable = toWritableInPieces;
    }
    const sent: unknown = super.sendCommand(...args);
    this.stallWatch?.sent();
    return sent;
  }

  #listen(command: Command, onElsewhere: () => void): void {
    const { reject } = command;
    command.reject = (error: Error) => {
      if (refusedElsewhere.test(error.message)) onElsewhere();
      reject(error);
    };
  }

  readonly #uncork = (): void => {
    this.#corked?.uncork();
    this.#corked = null;
  };
}

const ignored = (): void => undefined;
const refusedElsewhere = /^(READONLY|MOVED|CLUSTERDOWN) /;

/** Stands in for ioredis' encoder of a command with binary arguments. */
function toWritableInPieces(this: Command, socket: object): Buffer {
  return writeCommand(socket as Socket, this.name, this.args);
}

/**
 * Makes a connection object that is not connected yet. Its promises never hang and its commands are
 * never sent twice:
 * - `maxRetriesPerRequest: 0` rejects what is outstanding as soon as the connection breaks. It is
 *   this and not `autoResendUnfulfilledCommands: false` that does it: the latter alone forgets the
 *   commands and leaves their promises pending for ever.
 * - `enableOfflineQueue: false` rejects at once what cannot be sent now.
 * - `StallWatch` breaks off a connection that owes a reply and receives nothing. `commandTimeout`
 *   is no substitute: it costs a timer for every command and leaves the dead connection in use.
 *
 * @param parts.lent where large values of replies go; tokens for its `claim` stand in their places
 * @param parts.meter measures the calls
 * @param parts.place says where the server is, each time; without it, where the options say
 */
export function openConnection(
  options: ResolvedOptions,
  role: ConnectionRole,
  log: Logger,
  { lent, meter, place, clock = systemClock }: ConnectionParts = {},
): Connection {
  // With TLS what is read from the socket is not what Redis has sent.
  const sieve = options.tls ? undefined : lent;
  const onNoPrimary = (error: Error): void => void redis.emit('error', error);
  let server: Address | null = null;
  const onLocated = (address: Address): void => void (server = address);
  const redis: CoalescingRedis = new CoalescingRedis({
    host: options.host,
    port: options.port,
    username: options.username,
    password: options.password,
    db: options.db,
    tls: options.tls,
    connectionName: `sluice-${role}`,
    // RESP2: with RESP3, ioredis sends the password within HELLO, and when the server wants none it
    // goes on in RESP2 without noticing, which breaks subscriptions.
    protocol: 2,
    lazyConnect: true,
    connectTimeout: options.connectTimeoutMs,
    disconnectTimeout: redisLimits.closeTimeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // Subscriber does it: ioredis leaves the promise of its own attempt unhandled.
    autoResubscribe: false,
    enableReadyCheck: true,
    maxLoadingRetryTime: redisLimits.reconnectDelayMaxMs,
    disableClientInfo: true,
    retryStrategy: reconnectDelayMs,
    Connector:
      sieve || place ? connectorWith({ lent: sieve, place, onLocated, onNoPrimary }) : undefined,
  });
  if (place?.isElsewhere) redis.onElsewhere = () => place.isElsewhere?.();
  const stallWatch = new StallWatch(redis, options.commandStallMs, clock);
  redis.stallWatch = stallWatch;
  redis.on('close', () => stallWatch.end());
  // Node hands what comes to its listeners in the same turn only where one was added by `on`, which
  // ioredis does not do; else it is put by first.
  redis.on('connect', () => redis.stream.on('data', ignored));
  if (meter !== undefined) {
    redis.meter = meter;
    meter.attach(redis);
  }
  if (role === 'durable' || role === 'disk') shareWaits(redis, stallWatch);
  let lastError: Error | null = null;
  redis.on('error', (error: Error) => {
    // One line for a new kind of trouble, not one for each of many attempts.
    const fresh = lastError?.message !== error.message;
    lastError = error;
    // ioredis would go on in database 0, which is another's.
    if (commandOf(error) === 'select') redis.disconnect(true);
    if (fresh)
      log.warn('Redis connection failed', { role, error: error.message.replaceAll('\n', ' ') });
  });
  redis.on('ready', () => {
    lastError = null;
    sieve?.begin();
    if (scriptRoles.includes(role)) void loadScripts(redis.unheld, role, log);
    log.debug('Redis connection ready', { role });
  });
  return { redis, lastError: () => lastError, server: () => server };
}

/** Those who wait on a connection at the same time share one WAIT. */
function shareWaits(redis: CoalescingRedis, stallWatch: StallWatch): void {
  const shared = new SharedWait(redis, stallWatch);
  redis.wait = (copies: number, timeoutMs: number) => shared.wait(copies, timeoutMs);
  redis.waitAof = (copies, timeoutMs) => shared.waitAof(copies, timeoutMs);
}

/**
 * Makes all scripts known to the server before anything else is sent, which may be another one than
 * before: so the first call of each does not miss it. Where that is forbidden, a call that misses
 * sends the script itself.
 */
async function loadScripts(redis: Redis, role: ConnectionRole, log: Logger): Promise<void> {
  const loads = Array.from(definedScripts(), (script) => script.load(redis));
  const failed = (await Promise.allSettled(loads)).find((load) => load.status === 'rejected');
  if (failed === undefined) return;
  const { message } = failed.reason as Error;
  log.debug('Redis was not given the scripts in advance', { role, error: message });
}

/** The command that an error of Redis answers. */
function commandOf(error: Error): string | undefined {
  return (error as { command?: { name?: string } }).command?.name;
}

/** Ends a connection, in at most `closeTimeoutMs` when Redis no longer answers. */
export function closeConnection(redis: Redis): Promise<void> {
  if (redis.status === 'end') return Promise.resolve();
  // Between two attempts there is no socket whose end ioredis could report.
  const idle = redis.status === 'reconnecting';
  return new Promise((resolve) => {
    redis.once('end', () => resolve());
    redis.disconnect();
    if (idle) resolve();
  });
}
