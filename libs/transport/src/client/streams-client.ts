import { Logger as NestLogger } from '@nestjs/common';
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { systemClock, TroubleLog, type Clock, type Logger } from '@sluice/base';
import type { RecordProducer, RecordToSend, SentRecord } from '@sluice/streams';
import { ReplaySubject, type Observable } from 'rxjs';
import type { ReplyFrame, ReplyInbox, StreamsDriver } from '../driver';
import { nestLogger } from '../nest-logger';
import { RedisStreams } from '../redis-streams';
import { jsonDeserializer, jsonSerializer } from '../serialization/json';
import type { StreamSerializer } from '../serialization/serialization';
import { clientLimits } from './client-limits';
import type { ClientDriver, StreamsClientOptions } from './client-options';
import { OpenRequests } from './open-requests';
import { recordOf, requestOf } from './packet-record';
import { StreamRequestError } from './request-error';

/** How a client's connection does. */
export type StreamsClientStatus = 'connected' | 'closed';

/** What a client tells to those who listen with `on`. */
export type StreamsClientEvents = {
  /** An event could not be written; whoever has subscribed to it is told, too. */
  error: (error: Error, topic: string) => void;
};

/** What of a client is made when it is first used. */
interface Parts {
  driver: ClientDriver;
  producer: RecordProducer;
}

/** A packet of Nest's; `metadata` since Nest 12. */
type Packet = ReadPacket & { metadata?: Record<string, string> };
type OnReply = (packet: WritePacket) => void;

/**
 * Nest's client for streams: events, and requests with their answers. A pattern is the name of a
 * topic. Records are written by a producer that is idempotent by default: what resolves is in the
 * log, once.
 */
export class StreamsClient extends ClientProxy<StreamsClientEvents, string> {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #trouble: TroubleLog;
  readonly #requests: OpenRequests;
  readonly #serializer: StreamSerializer;
  readonly #listeners = new Set<StreamsClientEvents['error']>();
  #parts: Parts | null = null;
  #connecting: Promise<void> | null = null;
  #isConnected = false;
  #opening: Promise<ReplyInbox> | null = null;
  #inbox: ReplyInbox | null = null;
  /** Set while a serialiser that takes its time is waited for. */
  #turn: Promise<unknown> | null = null;
  #closing: Promise<void> | null = null;

  constructor(private readonly options: StreamsClientOptions = {}) {
    super();
    const { clock = systemClock, requestTimeoutMs, requestsMax } = options;
    this.#clock = clock;
    this.#log = options.log ?? nestLogger(new NestLogger(StreamsClient.name));
    this.#serializer = options.serializer ?? jsonSerializer;
    this.#requests = new OpenRequests({
      clock,
      deserializer: options.deserializer ?? jsonDeserializer,
      timeoutMs: requestTimeoutMs ?? clientLimits.requestTimeoutMs,
      requestsMax: requestsMax ?? clientLimits.requestsMax,
    });
    this.#trouble = new TroubleLog({
      clock,
      log: this.#log,
      message: 'events could not be written',
      quietMs: clientLimits.troubleQuietMs,
      level: 'error',
    });
  }

  /** Connects, once; an attempt that failed may be repeated. @throws RedisStartError */
  async connect(): Promise<void> {
    this.#checkOpen();
    // Nest calls it for each request.
    if (this.#isConnected) return;
    const { driver } = this.#used();
    this.#connecting ??= (async () => driver.connect?.())();
    try {
      await this.#connecting;
      this.#isConnected = true;
      this._status$.next('connected');
    } catch (error) {
      this.#connecting = null;
      throw error;
    }
  }

  /**
   * Fails the requests that wait, and resolves when all that was given before is written or has
   * failed. A connection that it shares stays open. Every call waits for the same end.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Calls the listener for each event that could not be written. */
  override on<
    Name extends keyof StreamsClientEvents = keyof StreamsClientEvents,
    Listener extends StreamsClientEvents[Name] = StreamsClientEvents[Name],
  >(event: Name, listener: Listener): void {
    if (event !== 'error') throw new Error(`a client of streams has no event '${String(event)}'`);
    this.#listeners.add(listener);
  }

  /**
   * What it stands on: with a connection of its own a `RedisStreams`.
   *
   * @throws Error before it was used
   */
  unwrap<T = StreamsDriver>(): T {
    if (this.#parts === null) throw new Error('the client is not connected: call connect()');
    return this.#parts.driver as T;
  }

  /**
   * Writes an event, whether or not anybody subscribes. What is returned tells its place, or why it
   * could not be written, to whoever subscribes, whenever that is. A failure is also logged.
   *
   * @param pattern the topic
   * @param data a value, or a `StreamRecord` with one
   */
  override emit<TResult = SentRecord, TInput = unknown>(
    pattern: unknown,
    data: TInput,
  ): Observable<TResult> {
    const outcome = new ReplaySubject<TResult>(1);
    void this.#tellOf(this.#publish(pattern, data), String(pattern), outcome);
    return outcome.asObservable();
  }

  /**
   * Writes events of one topic in the order given.
   *
   * @param data values, or `StreamRecord`s
   * @throws SendError of the first that failed, with what became of the others in `outcomes`
   */
  async emitBatch(topic: string, data: readonly unknown[]): Promise<SentRecord[]> {
    this.#checkOpen();
    const make = async (one: unknown): Promise<RecordToSend> => {
      return this.#record(this.#packet(topic, one));
    };
    const made = Promise.all(data.map(make));
    return this.#inTurn(made, (producer, records) => producer.sendAll(records));
  }

  /**
   * Writes a record; resolves with its place when it is written.
   *
   * @param data a value, or a `StreamRecord` with one
   * @throws SendError
   */
  publish(topic: string, data: unknown): Promise<SentRecord>;
  /** What Nest calls for `send`. */
  publish(packet: ReadPacket, callback: OnReply): () => void;
  override publish(given: string | ReadPacket, data: unknown): Promise<SentRecord> | (() => void) {
    if (typeof given !== 'string') return this.#request(given, data as OnReply);
    return this.#publish(given, data);
  }

  protected override async dispatchEvent<T = SentRecord>(packet: ReadPacket): Promise<T> {
    return this.#write(packet) as Promise<T>;
  }

  async #tellOf<TResult>(
    sent: Promise<SentRecord>,
    topic: string,
    outcome: ReplaySubject<TResult>,
  ): Promise<void> {
    try {
      outcome.next((await sent) as TResult);
      outcome.complete();
    } catch (error) {
      this.#eventFailed(error as Error, topic);
      outcome.error(error);
    }
  }

  #publish(pattern: unknown, data: unknown): Promise<SentRecord> {
    try {
      return this.#write(this.#packet(pattern, data));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Nest 11 has neither hooks for packets nor a method that calls them. */
  #packet(pattern: unknown, data: unknown): Packet {
    if (isMissing(pattern)) throw new TypeError('the pattern is missing: it names the topic');
    if (isMissing(data)) {
      throw new TypeError('the data are missing; new StreamRecord(null) has no value on purpose');
    }
    const create = this.createPacket as typeof this.createPacket | undefined;
    return create === undefined ? { pattern, data } : create.call(this, pattern, data);
  }

  #record(packet: Packet): RecordToSend | Promise<RecordToSend> {
    const { pattern, data, metadata } = packet;
    const topic = this.normalizePattern(pattern as string);
    return recordOf({ topic, data, metadata }, this.#serializer);
  }

  /** @throws what keeps a packet from being a record, and where the client was closed */
  #write(packet: Packet): Promise<SentRecord> {
    this.#checkOpen();
    return this.#inTurn(this.#record(packet), (producer, record) => producer.send(record));
  }

  /** What was given before comes first, though its serialiser may take its time. */
  #inTurn<Made, Sent>(
    made: Made | Promise<Made>,
    send: (producer: RecordProducer, made: Made) => Promise<Sent>,
  ): Promise<Sent> {
    const { producer } = this.#used();
    if (this.#turn === null && !(made instanceof Promise)) return send(producer, made);
    return this.#afterOthers(made, (ready) => send(producer, ready));
  }

  async #afterOthers<Made, Sent>(
    made: Made | Promise<Made>,
    send: (made: Made) => Promise<Sent>,
  ): Promise<Sent> {
    const before = this.#turn;
    const given = (async () => {
      // Either may fail before it is waited for.
      const [ready] = await Promise.allSettled([made, before]);
      if (ready.status === 'rejected') throw ready.reason;
      return { sent: send(ready.value) };
    })();
    const turn = given.catch(() => undefined);
    this.#turn = turn;
    await turn;
    if (this.#turn === turn) this.#turn = null;
    return (await given).sent;
  }

  #request(packet: Packet, callback: OnReply): () => void {
    let id: string;
    try {
      const topic = this.normalizePattern(packet.pattern as string);
      if (this.#closing !== null) throw new StreamRequestError('closed', topic, wasClosed);
      id = this.#requests.begin(topic, callback);
    } catch (error) {
      callback({ err: error, isDisposed: true });
      return () => undefined;
    }
    this.#writeRequest(packet, id).catch((error: unknown) => this.#requests.fail(id, error));
    return () => this.#requests.forget(id);
  }

  async #writeRequest(packet: Packet, correlationId: string): Promise<void> {
    const record = this.#record(packet);
    // It may fail before it is waited for.
    if (record instanceof Promise) record.catch(() => undefined);
    const { address } = this.#inbox ?? (await this.#openInbox());
    await this.#inTurn(record, (producer, asked) =>
      producer.send(requestOf(asked, { correlationId, address })),
    );
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new Error(wasClosed);
  }

  #used(): Parts {
    if (this.#parts !== null) return this.#parts;
    const { driver = this.#ownDriver(), producer } = this.options;
    this.#parts = { driver, producer: driver.createProducer(producer) };
    return this.#parts;
  }

  #ownDriver(): RedisStreams {
    return new RedisStreams(this.options.connection, { clock: this.#clock, log: this.#log });
  }

  /** Opened with the first request: who only writes events needs none. */
  #openInbox(): Promise<ReplyInbox> {
    if (this.#opening === null) {
      const onFrame = (frame: ReplyFrame): void => this.#requests.take(frame);
      const onLost = (why: string): void => this.#requests.failAll('answers-lost', why);
      const isAwaited = (): boolean => this.#requests.count > 0;
      const opening = this.#used().driver.openInbox(onFrame, onLost, isAwaited);
      opening.then(
        (inbox) => this.#inboxIsOpen(inbox),
        () => (this.#opening = null),
      );
      this.#opening = opening;
    }
    return this.#opening;
  }

  #inboxIsOpen(inbox: ReplyInbox): void {
    this.#inbox = inbox;
    // It may have taken longer than the client has lived.
    if (this.#closing !== null) void inbox.close();
  }

  async #close(): Promise<void> {
    this.#requests.failAll('closed', wasClosed);
    await this.#turn;
    await Promise.all([this.#inbox?.close(), this.#parts?.producer.close()]);
    if (this.options.driver === undefined) await this.#parts?.driver.close();
    this.#trouble.stop();
    this.#listeners.clear();
    this._status$.next('closed');
  }

  #eventFailed(error: Error, topic: string): void {
    this.#trouble.note({ topic, error: error.message });
    for (const listener of this.#listeners) {
      try {
        listener(error, topic);
      } catch (failure) {
        this.#log.error('a listener has failed', { error: String(failure) });
      }
    }
  }
}

const isMissing = (one: unknown): boolean => one === null || one === undefined;
const wasClosed = 'the client was closed';
