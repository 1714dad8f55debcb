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

/** What of a client is made when it connects. */
interface Connected {
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
export class StreamsClient extends ClientProxy<StreamsClientEvents, StreamsClientStatus> {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #trouble: TroubleLog;
  readonly #requests: OpenRequests;
  readonly #serializer: StreamSerializer;
  readonly #listeners = new Set<StreamsClientEvents['error']>();
  #connecting: Promise<Connected> | null = null;
  #connected: Connected | null = null;
  #opening: Promise<ReplyInbox> | null = null;
  #inbox: ReplyInbox | null = null;
  /** Set while something given before has not come to the producer yet. */
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
    await this.#connect();
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
   * @throws Error before it is connected
   */
  unwrap<T = StreamsDriver>(): T {
    if (this.#connected === null) throw new Error('the client is not connected: call connect()');
    return this.#connected.driver as T;
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
    this.#publish(pattern, data).then(
      (sent) => {
        outcome.next(sent as TResult);
        outcome.complete();
      },
      (error: Error) => {
        this.#eventFailed(error, String(pattern));
        outcome.error(error);
      },
    );
    return outcome.asObservable();
  }

  /**
   * Writes events of one topic in the order given.
   *
   * @param data values, or `StreamRecord`s
   * @throws SendError of the first that failed, with what became of the others in `outcomes`
   */
  async emitBatch(topic: string, data: readonly unknown[]): Promise<SentRecord[]> {
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

  protected override dispatchEvent<T = SentRecord>(packet: ReadPacket): Promise<T> {
    return this.#write(packet) as Promise<T>;
  }

  async #publish(pattern: unknown, data: unknown): Promise<SentRecord> {
    return this.#write(this.#packet(pattern, data));
  }

  /** Nest 11 has neither hooks for packets nor a method that calls them. */
  #packet(pattern: unknown, data: unknown): Packet {
    const isMissing = (one: unknown): boolean => one === null || one === undefined;
    if (isMissing(pattern)) throw new TypeError('the pattern is missing: it names the topic');
    if (isMissing(data)) {
      throw new TypeError('the data are missing; new StreamRecord(null) has no value on purpose');
    }
    const create = this.createPacket as typeof this.createPacket | undefined;
    return create === undefined ? { pattern, data } : create.call(this, pattern, data);
  }

  #record(packet: Packet): RecordToSend | Promise<RecordToSend> {
    const topic = this.normalizePattern(packet.pattern as string);
    return recordOf({ ...packet, topic }, this.#serializer);
  }

  async #write(packet: Packet): Promise<SentRecord> {
    const record = this.#record(packet);
    if (this.#turn === null && this.#connected !== null && !(record instanceof Promise)) {
      return this.#connected.producer.send(record);
    }
    return this.#inTurn(record, (producer, made) => producer.send(made));
  }

  /** What was given before comes first, though it may wait for the connection or a serialiser. */
  async #inTurn<Made, Sent>(
    made: Made | Promise<Made>,
    send: (producer: RecordProducer, made: Made) => Promise<Sent>,
  ): Promise<Sent> {
    const before = this.#turn;
    const given = (async () => {
      // Both may fail before they are waited for.
      const [ready] = await Promise.allSettled([made, before]);
      const { producer } = await this.#connect();
      if (ready.status === 'rejected') throw ready.reason;
      return { sent: send(producer, ready.value) };
    })();
    const turn = given
      .catch(() => undefined)
      .then(() => {
        if (this.#turn === turn) this.#turn = null;
      });
    this.#turn = turn;
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
    const inbox = this.#inbox;
    const isReady = inbox !== null && this.#turn === null && !(record instanceof Promise);
    if (isReady) {
      const { address } = inbox;
      await this.#connected!.producer.send(requestOf(record, { correlationId, address }));
      return;
    }
    const made = Promise.all([record, this.#openInbox()]);
    await this.#inTurn(made, (producer, [asked, { address }]) =>
      producer.send(requestOf(asked, { correlationId, address })),
    );
  }

  #connect(): Promise<Connected> {
    if (this.#closing !== null) return Promise.reject(new Error(`the client ${wasClosed}`));
    if (this.#connecting === null) {
      const connecting = this.#open();
      this.#connecting = connecting;
      connecting.catch(() => (this.#connecting = null));
    }
    return this.#connecting;
  }

  async #open(): Promise<Connected> {
    const { driver = this.#ownDriver(), producer: settings } = this.options;
    try {
      await driver.connect?.();
      const producer = driver.createProducer(settings);
      this._status$.next('connected');
      return (this.#connected = { driver, producer });
    } catch (error) {
      if (this.options.driver === undefined) await driver.close();
      throw error;
    }
  }

  #ownDriver(): RedisStreams {
    return new RedisStreams(this.options.connection, { clock: this.#clock, log: this.#log });
  }

  /** Opened with the first request: who only writes events needs none. */
  #openInbox(): Promise<ReplyInbox> {
    if (this.#opening === null) {
      const opening = this.#connect().then(async ({ driver }) => {
        const onFrame = (frame: ReplyFrame): void => this.#requests.take(frame);
        const onLost = (why: string): void => this.#requests.failAll('answers-lost', why);
        return (this.#inbox = await driver.openInbox(onFrame, onLost));
      });
      this.#opening = opening;
      opening.catch(() => (this.#opening = null));
    }
    return this.#opening;
  }

  async #close(): Promise<void> {
    this.#requests.failAll('closed', `the client ${wasClosed}`);
    await this.#turn;
    const connected = await this.#connecting?.catch(() => null);
    const inbox = await this.#opening?.catch(() => null);
    await Promise.all([inbox?.close(), connected?.producer.close()]);
    if (this.options.driver === undefined) await connected?.driver.close();
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

const wasClosed = 'was closed';
