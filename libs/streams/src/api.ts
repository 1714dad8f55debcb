/**
 * What those who produce and consume records straight on Redis ask for, and what they get: the
 * shapes that the transport, the jobs and the test kit share. The engines behind them are
 * `StreamProducer` and `StreamConsumer`; a test kit may stand in their place.
 */

/** A header of a record, as Kafka has them: a name may come more than once. */
export interface RecordHeader {
  key: string;
  value: Buffer | null;
}

/** A record to write. What is missing of key and value is null; a missing time is now. */
export interface RecordToSend {
  topic: string;
  key?: Buffer | string | null;
  value: Buffer | string | null;
  headers?: readonly RecordHeader[];
  /** Else by the key, as Kafka's default partitioner does it; without a key any. */
  partition?: number;
  timestampMs?: number;
}

/** Where a record was written. With acks 0 the offset is -1: nobody has said. */
export interface SentRecord {
  topic: string;
  partition: number;
  offset: number;
  timestampMs: number;
}

/** Writes records. Whatever is asked of it ends: with what was done, or with an error. */
export interface RecordProducer {
  /**
   * Resolves when the record is written as the producer's acks ask for. Records for one partition
   * are written in the order of the calls.
   *
   * @throws SendError
   */
  send(record: RecordToSend): Promise<SentRecord>;
  /**
   * All records, each judged by itself; in the order given.
   *
   * @throws SendError of the first that failed, with what became of the others
   */
  sendAll(records: readonly RecordToSend[]): Promise<SentRecord[]>;
  /** Resolves when all that was given before has its outcome. */
  flush(): Promise<void>;
  /** As `flush`, within the producer's time; then nothing more is taken. */
  close(): Promise<void>;
}

/** A record that was read. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** It may have been handed to somebody before: it was pending when this member took over. */
  readonly mayBeRepeated: boolean;
}

/**
 * One partition while this member owns it. Every record that is handed over has to be acknowledged
 * or released, in any order: the partition is let go when all are, or when the time for it is over.
 */
export interface OwnedPartition {
  readonly topic: string;
  /** Tells this topic from one of the same name that was deleted. */
  readonly topicId: string;
  readonly partition: number;
  readonly group: string;
  readonly memberId: string;
  /** Aborted when nothing new is to be begun: it is being revoked, or the consumer closes. */
  readonly stopping: AbortSignal;
  /** Aborted when whatever still runs is to be given up: it belongs to another now. */
  readonly lost: AbortSignal;
  /** The record was dealt with. What lies before all others that were handed over is committed. */
  acknowledge(offset: number): void;
  /** The record will not be dealt with here; it is handed over again, to whoever owns it then. */
  release(offset: number): void;
  /** Records that this group has not acknowledged, by what is known of the log end. */
  lag(): number;
}

/** Takes what a consumer hands over. */
export interface RecordSink {
  /**
   * Records of one partition, in the order of their offsets, right after those of the call before.
   * What was handed over and neither acknowledged nor released is bounded by the consumer's
   * limits. Must not throw.
   */
  take(partition: OwnedPartition, records: readonly ConsumedRecord[]): void;
}

/** At what a consumer may be pointed. */
export type SeekTarget =
  'start' | 'end' | { readonly offset: number } | { readonly timestampMs: number };

/** Topics, or partitions of them. */
export interface PartitionSelector {
  topic: string;
  /** All of the topic's, where it is missing. */
  partitions?: readonly number[];
}

export type ConsumerStatus =
  'stopped' | 'joining' | 'running' | 'rebalancing' | 'reconnecting' | 'draining' | 'failed';

/** How a consumer does, for health checks. */
export interface ConsumerHealth {
  status: ConsumerStatus;
  group: string;
  memberId: string;
  /** Why it does not run, where it does not. */
  problem: string | null;
  /** Milliseconds since it last had word from Redis. */
  silentMs: number;
  partitions: {
    topic: string;
    partition: number;
    lag: number;
    paused: boolean;
    inFlight: number;
    /** Milliseconds since the oldest record that is in flight was handed over; 0 for none. */
    oldestInFlightMs: number;
  }[];
}

/** Reads records as a member of a consumer group. */
export interface RecordConsumer {
  /**
   * Joins the group. Resolves when it has joined, whether or not it was given partitions.
   *
   * @throws GroupRefused when the group has members of another kind, or the settings clash
   */
  start(): Promise<void>;
  /**
   * Stops handing over, waits for what is in flight, up to `drainMs`, commits, and leaves the
   * group. Repeated calls wait for the same end.
   */
  close(drainMs?: number): Promise<void>;
  /** Hands over nothing more of them until `resume`; what is in flight goes on. */
  pause(selectors: readonly PartitionSelector[]): void;
  resume(selectors: readonly PartitionSelector[]): void;
  /**
   * Goes on from there in the partitions that this member owns, once what is in flight has ended.
   * @throws NotOwned for others
   */
  seek(selector: PartitionSelector, target: SeekTarget): Promise<void>;
  health(): ConsumerHealth;
  /** Calls the listener at each change; returns how to take it back. */
  onStatus(listener: (status: ConsumerStatus) => void): () => void;
  onAssigned(listener: (partitions: readonly PartitionName[]) => void): () => void;
  onRevoked(listener: (partitions: readonly PartitionName[]) => void): () => void;
}

/** A partition by its name. */
export interface PartitionName {
  topic: string;
  partition: number;
}

/** How a consumer is to behave; what is missing has a default. */
export interface ConsumerSettings {
  group: string;
  /** Names, or patterns for whole names. Topics that come later are taken when they are there. */
  topics: readonly (string | RegExp)[];
  /** A static member keeps its partitions over a restart shorter than the session (KIP-345). */
  instanceId?: string;
  /** Where a group begins that has committed nothing. Default: 'start'. */
  startFrom?: SeekTarget;
  /** `at-most-once`: records are acknowledged before they are handed over. */
  delivery?: 'at-least-once' | 'at-most-once';
  assignor?: 'sticky' | 'range' | 'round-robin';
  sessionTimeoutMs?: number;
  heartbeatIntervalMs?: number;
  /** Records of one partition that may be in flight. */
  inFlightRecordsMax?: number;
  /** Bytes of one partition that may be in flight. */
  inFlightBytesMax?: number;
  /** How long a revoked partition's records in flight are waited for. */
  drainMs?: number;
}

/** How a producer is to behave; what is missing has a default. */
export interface ProducerSettings {
  /** 0: nothing is waited for. 1: written. -1: with as many copies as the topic asks for. */
  acks?: 0 | 1 | -1;
  /** Written once, whatever is sent again. Default: with acks 1 and -1. */
  idempotent?: boolean;
  compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** How long a record may wait for others to share its batch. Default: 0, until the same turn. */
  lingerMs?: number;
  batchBytesMax?: number;
  /** Bytes of all records that have no outcome yet; beyond it `send` fails at once. */
  bufferBytesMax?: number;
  /** How long a record may be without an outcome. */
  deliveryTimeoutMs?: number;
  /** Makes topics that are not there, with the server's defaults. Default: true. */
  createTopics?: boolean;
}
