import type {
  ConsumerSettings,
  ProducerSettings,
  RecordConsumer,
  RecordProducer,
  RecordSink,
  TopicTerms,
} from '@sluice/streams';

/** An answer to a request, or one of several, as it goes to the client that asked. */
export interface ReplyFrame {
  /** Which request of that client it answers. */
  correlationId: string;
  /** The answer as the serialiser made it; null: this frame has none. */
  value: Buffer | null;
  /** What the handler failed with, as JSON; null: it did not. */
  error: Buffer | null;
  /** Nothing follows. The last answer and the end may come in one frame. */
  isLast: boolean;
  /** How many frames of the same request came before it, so that one that is lost is missed. */
  number?: number;
}

/** Where a client's answers come in. */
export interface ReplyInbox {
  /** What a request carries in the header `nest-reply-stream`. */
  readonly address: string;
  /** Takes no more answers, and leaves nothing behind. */
  close(): Promise<void>;
}

/**
 * What server and client stand on: a Redis, or the memory of a test. It owns the connections; what
 * it made is closed by whoever asked for it, before the driver is closed.
 */
export interface StreamsDriver {
  /** Resolves when all else may be used; a driver without it may be from the start. */
  connect?(): Promise<void>;
  /** A member of a group that is not started yet. */
  createConsumer(settings: ConsumerSettings, sink: RecordSink): RecordConsumer;
  createProducer(settings?: ProducerSettings): RecordProducer;
  /** Makes a topic that is not there; one that is there stays as it is. Without it: by use. */
  ensureTopic?(name: string, terms: TopicTerms): Promise<void>;
  /** How many partitions a topic has; 0: there is none. Without it nobody knows. */
  partitionsOf?(topic: string): Promise<number>;
  /**
   * Brings an answer to the client of that address. Frames of one request arrive in the order of
   * the calls. An address that nobody listens at any more is no error.
   */
  sendReply(address: string, frame: ReplyFrame): Promise<void>;
  /**
   * Opens an inbox; `onFrame` is called for each answer, in order, and `onLost` when answers to
   * what was asked before may not come any more. `isAwaited` says whether any is waited for;
   * without it, one always may be. None must throw.
   */
  openInbox(
    onFrame: (frame: ReplyFrame) => void,
    onLost?: (reason: string) => void,
    isAwaited?: () => boolean,
  ): Promise<ReplyInbox>;
  /** Closes the connections. Safe to call twice. */
  close(): Promise<void>;
}
