import type { Clock, Logger, Metrics } from '@sluice/base';
import {
  ReplyInbox as StreamOfReplies,
  sendReply,
  StreamConsumer,
  StreamProducer,
  StreamsConnection,
  type ConsumerSettings,
  type ProducerSettings,
  type RecordConsumer,
  type RecordProducer,
  type RecordSink,
  type StreamsConnectionOptions,
  type TopicTerms,
} from '@sluice/streams';
import type { ReplyFrame, ReplyInbox, StreamsDriver } from './driver';
import { usualMetrics } from './prom-metrics';

/** What a driver on Redis is given from outside. */
export interface RedisStreamsPorts {
  clock?: Clock;
  log?: Logger;
  /** Default: what producers do goes to prom-client's default registry, where it is installed. */
  metrics?: Metrics;
}

/** Streams in Redis, for one process: what its servers and clients share. */
export class RedisStreams implements StreamsDriver {
  readonly connection: StreamsConnection;
  readonly #metrics: Metrics;

  constructor(options: StreamsConnectionOptions = {}, ports: RedisStreamsPorts = {}) {
    const given = Object.entries(ports).filter(([, port]) => port !== undefined);
    this.connection = new StreamsConnection(options, Object.fromEntries(given));
    this.#metrics = usualMetrics(ports.metrics);
  }

  /** @throws RedisStartError that says what is wrong and what to do */
  async connect(): Promise<void> {
    await this.connection.connect();
  }

  createConsumer(settings: ConsumerSettings, sink: RecordSink): RecordConsumer {
    return new StreamConsumer(this.connection, settings, sink);
  }

  /** May be used before it is connected. @throws RangeError for settings that cannot be meant */
  createProducer(settings: ProducerSettings = {}): RecordProducer {
    return new StreamProducer(this.connection, settings, this.#metrics);
  }

  /** @throws Error that says why there cannot be such a topic */
  async ensureTopic(name: string, terms: TopicTerms): Promise<void> {
    const { topics } = await this.connection.connect();
    const topic = await topics.ensure(name, { ...terms, create: true });
    if ('errorCode' in topic) throw new Error(`topic '${name}' was not made: ${topic.message}`);
  }

  async partitionsOf(name: string): Promise<number> {
    const { topics } = await this.connection.connect();
    const topic = await topics.ensure(name, { create: false });
    return 'errorCode' in topic ? 0 : topic.partitions;
  }

  async sendReply(address: string, frame: ReplyFrame): Promise<void> {
    const { redis } = this.connection.connected ?? (await this.connection.connect());
    await sendReply(redis, address, frame);
  }

  async openInbox(
    onReply: (frame: ReplyFrame) => void,
    onLost: (reason: string) => void = () => undefined,
    isAwaited: () => boolean = () => true,
  ): Promise<ReplyInbox> {
    const { redis } = await this.connection.connect();
    const listener = { onReply, onLost, isAwaited };
    const inbox = await StreamOfReplies.open(redis, this.connection.ports, listener);
    const stop = (): Promise<void> => inbox.close();
    const letGo = this.connection.own({ name: 'a stream of answers', stop });
    const close = (): Promise<void> => inbox.close().finally(letGo);
    return { address: inbox.address, close };
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
