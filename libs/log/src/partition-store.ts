import {
  silentMetrics,
  systemClock,
  type Clock,
  type Logger,
  type Metrics,
  type TroubleLog,
} from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
import { readBounds, readMemoryBytes, readSize } from './bounds';
import type { PartitionBounds, PartitionSize } from './bounds';
import { partitionKeys, type PartitionKeys, type PartitionRef } from './keys';
import { lead, Leadership, type LeadReply } from './leadership';
import { readLastBatch, readProducers, type KnownProducer } from './known-producers';
import { partitionLimits, type PartitionLimits } from './partition-limits';
import { EpochTable, type EpochsOfTopic } from './recovery/epoch-table';
import type { LeaderEpochs } from './recovery/epochs';
import { KnownEnds } from './recovery/known-ends';
import type { LogHistory } from './recovery/log-history';
import { newerFormat } from './recovery/newer-format';
import { reservationTerms } from './recovery/reservation';
import { readBatches, readLentBatches, type LentBatch, type StoredBatch } from './read';
import { createPartitionScript, findMissingScript, settleScript } from './scripts';
import { findAtOrAfter, findMaxTimestamp, type OffsetAndTimestamp } from './time-search';
import {
  deleteRecords,
  evictProducers,
  mayBeTrimmed,
  trimStep,
  type DeleteRecordsReply,
  type TrimReply,
  type TrimRule,
} from './trim';
import { PartitionWatch, type WatchOptions } from './watch/partition-watch';
import { AppendMeter } from './writer/append-meter';
import { Appends, Transactions } from './writer/appends';
import { RedisLanes } from './writer/lanes';
import {
  nobodyConfirms,
  PartitionConfirmer,
  type ConfirmerOptions,
} from './writer/partition-confirmer';
import { PartitionWriter, type AppendListener } from './writer/partition-writer';

/** What a store does more than it must, and what a test may want otherwise. */
export interface PartitionStoreOptions {
  /** Told of all that is appended. Without it, nothing is known of it after a loss. */
  history?: LogHistory;
  limits?: PartitionLimits;
  clock?: Pick<Clock, 'setTimer' | 'monotonicMs'>;
  metrics?: Metrics;
}

/** That so many batches were removed by something else, and the bounds that are true now. */
export interface MissingBatches {
  batches: number;
  logStartOffset: number;
  logEndOffset: number;
}

/** What a read takes. */
interface ReadOptions {
  entries: number;
  leaderEpochs?: LeaderEpochs;
  endOffset?: number;
}

/** What a watch of one partition needs to know. */
export interface NewWatch extends Pick<
  WatchOptions,
  'clock' | 'isAppending' | 'onSetBack' | 'onTrimmed' | 'onUnconfirmed' | 'settle'
> {
  /** Claimed before anything is told; left out: none is needed. */
  leadership?: Leadership;
}

/** What a confirmer of one partition needs to know. */
export type NewConfirmer = Omit<ConfirmerOptions, 'redis' | 'keys' | 'clock' | 'limits'>;

/** What a writer of one partition needs to know. */
export interface NewWriter {
  /** Calls are refused when it is not the partition's any more; left out: none is needed. */
  leadership?: Leadership;
  /** How long replicas have to confirm what asks for it. */
  replicationTimeoutMs: number;
  log: Logger;
  /** Told of calls that fail. */
  trouble: Pick<TroubleLog, 'note'>;
  onReply: AppendListener;
  /** Of this partition and process; without one, others move the high watermark. */
  confirmer?: PartitionConfirmer;
  /** See `WriterOptions`. */
  isGathered?: boolean;
}

/**
 * Partitions as they lie in Redis. Any number of processes may use it on the same partitions: what
 * it remembers of them only makes appends faster.
 *
 * Every method rejects with `RedisUnavailable` when nothing was executed and `UnknownOutcome` when
 * it may have been. Running a method again is harmless; a writer's `append` is not, of a batch
 * without a producer id: it may then be in the log twice, as with Kafka.
 */
export class PartitionStore {
  private readonly transactions: Transactions;
  private readonly limits: PartitionLimits;
  private readonly clock: Pick<Clock, 'setTimer' | 'monotonicMs'>;
  private readonly history: LogHistory | undefined;
  private readonly ends: KnownEnds;
  private readonly meter: AppendMeter;
  private readonly epochs: EpochTable;
  /** See `reservationTerms`. */
  private readonly reservation: string;

  constructor(
    private readonly redis: RedisLink,
    options: PartitionStoreOptions = {},
  ) {
    const { history, limits = partitionLimits, clock = systemClock } = options;
    this.limits = limits;
    this.clock = clock;
    this.history = history;
    this.ends = history?.ends ?? new KnownEnds();
    this.epochs = new EpochTable(redis, clock);
    this.reservation = reservationTerms(limits, redis);
    this.transactions = new Transactions(redis.write);
    this.meter = new AppendMeter(options.metrics ?? silentMetrics, clock);
  }

  /** Makes the partition, empty from offset 0; one that exists is left as it is. */
  async initPartition(ref: PartitionRef): Promise<void> {
    const { reservation } = this;
    await createPartitionScript.call(this.redis.write, this.keys(ref), { reservation });
  }

  /**
   * Takes partitions away for all who append, read or acknowledge: from then on they are unknown.
   * What is in them stays until they are dropped.
   */
  async closePartitions(refs: readonly PartitionRef[]): Promise<void> {
    const { write } = this.redis;
    const closed = refs.map((ref) => {
      const { meta, delivery } = this.keys(ref);
      return attempt('log.close', write.unlink(meta, delivery));
    });
    await Promise.all(closed);
  }

  /**
   * Removes partitions with all that is in them. Redis frees the memory in the background.
   *
   * @returns how many keys that were
   */
  async dropPartitions(refs: readonly PartitionRef[]): Promise<number> {
    const { write } = this.redis;
    const drops = refs.map((ref) => {
      const { log, meta, producers, spans, delivery, open } = this.keys(ref);
      return attempt('log.drop', write.unlink(meta, log, producers, spans, delivery, open));
    });
    return (await Promise.all(drops)).reduce((sum, keys) => sum + keys, 0);
  }

  /**
   * One who appends to a partition. Its appends are in the log in the order in which it was given
   * them; a process needs one a partition.
   */
  writer(ref: PartitionRef, options: NewWriter): PartitionWriter {
    const { log, trouble, onReply, confirmer = nobodyConfirms, isGathered, ...terms } = options;
    const { redis, limits, transactions, reservation, clock, history, meter } = this;
    const ends = this.ends.of(ref);
    const common = { limits, transactions, reservation, clock, ends, meter };
    const keys = this.keys(ref);
    const appends = new Appends(keys, common);
    const lanes = new RedisLanes({ redis, ref, key: keys.log, appends, history, ...terms });
    const told = { log, trouble, onReply, confirmer, meter };
    return new PartitionWriter({ lanes, limits, isGathered, ...told });
  }

  /** Moves the high watermark of a partition; a process needs one a partition. To be closed. */
  confirmer(ref: PartitionRef, options: NewConfirmer): PartitionConfirmer {
    const { redis, clock, limits } = this;
    return new PartitionConfirmer({ redis, keys: this.keys(ref), clock, limits, ...options });
  }

  /**
   * What this process knows of how far a partition reaches; a process needs one a partition. To be
   * closed.
   */
  watch(ref: PartitionRef, { leadership, ...options }: NewWatch): PartitionWatch {
    const { redis, limits } = this;
    const source = {
      bounds: () => (leadership?.isOpen ? leadership.claim() : this.bounds(ref)),
      subscribe: (listener: (message: string) => void, onResubscribed: () => void) =>
        redis.subscribe(this.keys(ref).wake, listener, { onResubscribed }),
    };
    return new PartitionWatch({ source, limits, ...options });
  }

  /**
   * A leadership of a partition, which is claimed at its first use.
   *
   * @param onLost told once when the partition turns out to know a later one, and which
   */
  leadership(ref: PartitionRef, number: number, onLost: (known: number) => void): Leadership {
    return new Leadership({ number, claim: () => this.lead(ref, number), onLost });
  }

  /**
   * Takes a partition for a leadership: from then on appends of earlier ones are refused. Running
   * it again is harmless.
   */
  async lead(ref: PartitionRef, leadership: number): Promise<LeadReply> {
    const reply = await lead(this.redis.write, this.keys(ref), leadership);
    if ('bounds' in reply) this.epochs.forget(ref.topicId);
    else if (reply.refused === 'unknown-partition') await this.history?.missed(ref);
    return reply;
  }

  /**
   * Where the log starts and ends, and how much is in it; null when the partition does not exist.
   */
  async bounds(ref: PartitionRef): Promise<PartitionBounds | null> {
    const bounds = await readBounds(this.redis.read, this.keys(ref));
    // A partition that is gone is most likely deleted; but all may be gone.
    if (bounds === null) await this.history?.missed(ref);
    return bounds;
  }

  /**
   * The leader epoch of each partition of a topic, from memory where it was asked for at most
   * `ageMsMax` ago and no leadership was claimed since by this process; empty while Redis cannot be
   * asked.
   */
  leaderEpochs(topic: EpochsOfTopic, ageMsMax = Infinity): Promise<readonly number[]> {
    return this.epochs.of(topic, ageMsMax);
  }

  /** Others may have claimed leaderships of these topics: their epochs are asked for anew. */
  forgetLeaderEpochs(topicIds: Iterable<string> | 'all'): void {
    if (topicIds === 'all') return this.epochs.forgetAll();
    for (const id of topicIds) this.epochs.forget(id);
  }

  /** As `bounds`, in one round trip; in the order of `refs`. */
  boundsMany(refs: readonly PartitionRef[]): Promise<(PartitionBounds | null)[]> {
    return Promise.all(refs.map((ref) => readBounds(this.redis.read, this.keys(ref))));
  }

  /**
   * How much is in each of some partitions, in the order of `refs`; cheaper than `boundsMany`. So
   * many are asked for in one round trip that nothing else waits long. Null: there is no such
   * partition, or a newer version of Sluice has written it.
   */
  async sizes(refs: readonly PartitionRef[]): Promise<(PartitionSize | null)[]> {
    const sizes: (PartitionSize | null)[] = [];
    const { sizesAtOnceMax } = this.limits;
    for (let at = 0; at < refs.length; at += sizesAtOnceMax) {
      const some = refs.slice(at, at + sizesAtOnceMax);
      const asked = some.map((ref) => readSize(this.redis.read, this.keys(ref)));
      sizes.push(...(await Promise.all(asked)));
    }
    return sizes;
  }

  /**
   * The idempotent producers that a partition remembers; where there are more than `countMax`,
   * those that wrote last. Empty too when there is no such partition.
   */
  producers(ref: PartitionRef, countMax: number): Promise<KnownProducer[]> {
    return readProducers(this.redis.read, this.keys(ref), countMax);
  }

  /** The base offset of the last batch that an idempotent producer has written; null: not known. */
  lastBatchOf(ref: PartitionRef, producerId: number): Promise<number | null> {
    return readLastBatch(this.redis.read, this.keys(ref), producerId);
  }

  /**
   * Bytes of Redis' memory that each of some partitions takes, as Redis estimates it from samples;
   * in one round trip and in the order of `refs`. Null where there is no such partition, or where
   * the user may not ask.
   */
  memoryBytes(refs: readonly PartitionRef[]): Promise<(number | null)[]> {
    return Promise.all(refs.map((ref) => readMemoryBytes(this.redis.read, this.keys(ref))));
  }

  /**
   * Batches in offset order from the one that holds `fromOffset` on, at most `entries`. Empty at
   * the log end, below the log start, and when the partition does not exist; `bounds` tells which.
   * The first batch may begin before `fromOffset`, and even before the log start.
   *
   * @param options.leaderEpochs are written into the batches' headers; by default 0
   * @param options.endOffset batches that lie wholly below it; by default all
   */
  read(ref: PartitionRef, fromOffset: number, options: ReadOptions): Promise<StoredBatch[]> {
    const range = { fromOffset, ...options };
    return readBatches(this.redis.read, this.keys(ref), range);
  }

  /** As `read`, in memory that is lent: faster for many large batches. */
  readLent(ref: PartitionRef, fromOffset: number, options: ReadOptions): Promise<LentBatch[]> {
    return readLentBatches(this.redis, this.keys(ref), { fromOffset, ...options });
  }

  /**
   * The first record, in offset order from the log start, with a timestamp of `timestampMs` or
   * later; null when there is none or no such partition.
   *
   * @throws RecordsError when the batch cannot be decoded
   */
  firstAtOrAfter(ref: PartitionRef, timestampMs: number): Promise<OffsetAndTimestamp | null> {
    return findAtOrAfter(this.redis.read, this.keys(ref), timestampMs);
  }

  /**
   * The record with the largest timestamp, the first where several have it (KIP-734); null when
   * there is no record or no such partition.
   *
   * @throws RecordsError when the batch cannot be decoded
   */
  maxTimestamp(ref: PartitionRef): Promise<OffsetAndTimestamp | null> {
    return findMaxTimestamp(this.redis.read, this.keys(ref));
  }

  /**
   * Looks whether something else than Sluice has removed batches from the stream, and if so moves
   * the log start to the first that is there (to the log end where none is). Null: all that should
   * be there is, or there is no such partition. What is missing is told once.
   */
  async findMissing(ref: PartitionRef): Promise<MissingBatches | null> {
    const keys = this.keys(ref);
    const reply = await findMissingScript.call(this.redis.write, keys, { wake: keys.wake });
    if (reply.tag === 'newer-format') throw newerFormat(keys.meta);
    if (reply.tag !== 'missing') return null;
    const { batches, logStart: logStartOffset, logEnd: logEndOffset } = reply;
    return { batches, logStartOffset, logEndOffset };
  }

  /**
   * Moves the log start to `beforeOffset` (-1: to the log end; never backwards), then frees the
   * batches that lie wholly below it (KIP-107) and forgets the producers whose last batch does and
   * that have not written for some time.
   */
  deleteRecords(ref: PartitionRef, beforeOffset: number): Promise<DeleteRecordsReply> {
    return deleteRecords(this.redis.write, this.keys(ref), beforeOffset);
  }

  /**
   * One bounded step of dropping what is too old or too much, in whole batches from the head, up to
   * the first that is kept: a batch is kept for as long as any of its records is young enough, as
   * its header tells, and as less than `retentionBytes` would be left without it, as Kafka keeps
   * segments. The log start moves to the first batch that is kept. To be called again until nothing
   * more is to be dropped. Null: no such partition; 'missing': something else than Sluice has
   * removed batches, and `findMissing` has to be called first.
   */
  trimStep(ref: PartitionRef, rule: TrimRule): Promise<TrimReply | 'missing' | null> {
    return trimStep(this.redis.write, this.keys(ref), rule);
  }

  /**
   * Of which of these partitions a trim step might drop something, or cannot be told; in one round
   * trip, and without a look at their batches. A step finds out. Does not reject.
   */
  async mayBeTrimmed(refs: readonly PartitionRef[], rule: TrimRule): Promise<PartitionRef[]> {
    const { read } = this.redis;
    const answers = refs.map((ref) => mayBeTrimmed(read, this.keys(ref), rule).catch(() => true));
    const mayBe = await Promise.all(answers);
    return refs.filter((_, i) => mayBe[i]);
  }

  /**
   * Forgets the producers that have not written to the partition for longer than `unusedMs`, by
   * Redis' clock (Kafka's `producer.id.expiration.ms`).
   *
   * @returns how many were forgotten
   */
  expireProducers(ref: PartitionRef, unusedMs: number): Promise<number> {
    return evictProducers(this.redis.write, this.keys(ref), unusedMs);
  }

  /** Keeps fewer offsets free for a partition that has needed few lately. */
  async settle(ref: PartitionRef): Promise<void> {
    const { reservation, redis } = this;
    const { settleQuietMs: quietMs } = this.limits;
    const keys = this.keys(ref);
    const reply = await settleScript.call(redis.write, keys, { reservation, quietMs });
    if (reply.tag === 'newer-format') throw newerFormat(keys.meta);
  }

  private keys(ref: PartitionRef): PartitionKeys {
    return partitionKeys(this.redis.keyPrefix, ref);
  }
}
