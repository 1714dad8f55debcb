import { Logger as NestLogger } from '@nestjs/common';
import {
  Server,
  type BaseRpcContext,
  type CustomTransportStrategy,
  type MessageHandler,
  type ReadPacket,
} from '@nestjs/microservices';
import { systemClock, type Clock, type Logger } from '@sluice/base';
import type { RecordConsumer } from '@sluice/streams';
import { isTopicName } from '../decorators/topic-names';
import { noteOriginalErrors } from '../errors/original-errors';
import { handlerOptionsKey, type StreamHandlerOptions } from '../handlers/options';
import { policyOf, unaskedPolicyOf } from '../handlers/policy';
import { Routes } from '../handlers/routes';
import type { StreamContext } from '../context/stream-context';
import { nestLogger } from '../nest-logger';
import { STREAMS_TRANSPORT } from '../tokens';
import {
  ServerEvents,
  type StreamsServerEvents,
  type StreamsServerHealth,
  type StreamsStatus,
} from './server-events';
import { defaultDrainTimeoutMs, type StreamsServerOptions } from './server-options';
import { ServerRun } from './server-run';

/**
 * Nest's server for handlers of streams: the strategy of a microservice. It joins the groups of the
 * handlers, gives them the records of the partitions that it owns there, and acknowledges what they
 * have dealt with.
 */
export class StreamsServer
  extends Server<StreamsServerEvents, StreamsStatus>
  implements CustomTransportStrategy
{
  override transportId: symbol;
  // An event's handler is waited for here, and its error is dealt with.
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: StreamsServerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #routes = new Routes();
  readonly #events: ServerEvents;
  readonly #startHookOfNest: unknown;
  #run: ServerRun | null = null;
  #starting: Promise<void> | null = null;
  #ending: Promise<void> | null = null;

  constructor(options: StreamsServerOptions) {
    super();
    this.#options = options;
    this.transportId = options.transportId ?? STREAMS_TRANSPORT;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? nestLogger(new NestLogger(StreamsServer.name));
    this.#startHookOfNest = this.onProcessingStartHook;
    this.#events = new ServerEvents((event, error) => {
      this.#log.error('a listener has failed', { event, error: String(error) });
    });
  }

  /**
   * Nest gives each handler to it, before `listen`.
   *
   * @throws Error when another handler is for the same records, or its options are wrong
   */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const isName = typeof pattern === 'string' && isTopicName(pattern);
    if (!isName && !(pattern instanceof RegExp)) {
      const fields = { pattern: this.getPatternAsString(pattern) };
      return this.#log.warn('a handler is left out: its pattern is no name of a topic', fields);
    }
    noteOriginalErrors();
    const { group = this.#options.group, ...own } = optionsIn(extras);
    if (group === undefined || group === '') {
      throw new Error(`the handler of ${String(pattern)} has no group, and the server has none`);
    }
    const { deserializer, handlers } = this.#options;
    const isEvent = isEventHandler;
    const ofServer = { deserializer, ...handlers };
    const policy = policyOf(own, ofServer, !isEvent);
    const unasked = isEvent ? null : unaskedPolicyOf(own, ofServer);
    callback.isEventHandler = isEvent;
    callback.extras = extras;
    const { eventType } = own;
    this.#routes.add({ pattern, group, eventType, isEvent, callback, policy, unasked });
    const key = this.messageHandlers.has(String(pattern))
      ? `${String(pattern)} ${group} ${isEvent ? (own.eventType ?? '') : 'request'}`
      : String(pattern);
    this.messageHandlers.set(key, callback);
  }

  /** The first handler of a topic, in whatever group. A name is never read as JSON. */
  override getHandlerByPattern(pattern: string): MessageHandler | null {
    for (const { group } of this.#routes.all) {
      const plan = this.#routes.planOf(group, pattern);
      if (plan === null) continue;
      return ([...plan.events.values()][0] ?? plan.request)!.callback;
    }
    return null;
  }

  /** Joins the groups; tells `callback` when it has, or why it could not. Never throws. */
  async listen(callback: (...parameters: unknown[]) => unknown): Promise<void> {
    try {
      this.#starting ??= this.#start();
      await this.#starting;
    } catch (error) {
      callback(error);
      return;
    }
    callback();
  }

  /**
   * Takes nothing more, waits for what runs, up to `drainTimeoutMs`, acknowledges it and leaves the
   * groups. Every call waits for the same end.
   */
  close(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Nest's hook of providers: the earliest that tells of the end. Resources may follow it. */
  onModuleDestroy(): Promise<void> {
    return this.close();
  }

  /** As `onModuleDestroy`, for those whom that did not reach. */
  beforeApplicationShutdown(): Promise<void> {
    return this.close();
  }

  /** Calls the listener at each such event; also before `listen`. */
  on<
    Name extends keyof StreamsServerEvents = keyof StreamsServerEvents,
    Listener extends StreamsServerEvents[Name] = StreamsServerEvents[Name],
  >(event: Name, callback: Listener): void {
    this.#events.on(event, callback);
  }

  /**
   * The consumers, one for each membership in a group.
   *
   * @throws Error before `listen`
   */
  unwrap<T = RecordConsumer[]>(): T {
    if (this.#run === null) {
      throw new Error('the server does not listen yet: call listen() or startAllMicroservices()');
    }
    return this.#run.consumers as T;
  }

  /** How it does at this moment. */
  health(): StreamsServerHealth {
    if (this.#run !== null) return this.#run.health();
    return { status: 'stopped', problem: 'it does not listen', members: [] };
  }

  /** Base class's way in, for a record that somebody else hands over; not used by the groups. */
  override async handleEvent(
    pattern: string,
    packet: ReadPacket,
    context: BaseRpcContext,
  ): Promise<void> {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) throw new Error(`no handler is for ${pattern}`);
    await this.transformToObservable(handler(packet.data, context)).forEach(() => {});
  }

  async #start(): Promise<void> {
    if (this.#ending !== null) throw new Error('the server was closed');
    const { drainTimeoutMs = defaultDrainTimeoutMs } = this.#options;
    this.#run = new ServerRun({
      options: this.#options,
      drainTimeoutMs,
      clock: this.#clock,
      log: this.#log,
      routes: this.#routes,
      events: this.#events,
      runWithHooks: (context, run) => this.#runWithHooks(context, run),
      onStatus: (status) => this._status$.next(status),
    });
    try {
      await this.#run.start();
    } catch (error) {
      await this.#run.close();
      throw error;
    }
  }

  async #end(): Promise<void> {
    // First, as a start may wait for a Redis that does not come.
    await this.#run?.close();
    await this.#starting?.catch(() => {});
    if (this.#options.closesDriver === true) await this.#options.driver.close();
  }

  #runWithHooks(context: StreamContext, run: () => Promise<void>): Promise<void> {
    if (this.onProcessingStartHook === this.#startHookOfNest && !this.onProcessingEndHook) {
      return run();
    }
    return new Promise((resolve, reject) => {
      // The hook may drop what this returns, so it never rejects.
      this.onProcessingStartHook(this.transportId, context, async () => {
        try {
          await run().finally(() => this.onProcessingEndHook?.(this.transportId, context));
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }
}

function optionsIn(extras: Record<string, unknown>): StreamHandlerOptions {
  const options = extras[handlerOptionsKey];
  return typeof options === 'object' && options !== null ? options : {};
}
