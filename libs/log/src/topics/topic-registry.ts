import { attempt, RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import type { Clock } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { registryKeys } from '../keys';
import type { PartitionRef, RegistryKeys } from '../keys';
import { PartitionStore } from '../partition-store';
import type { LogHistory } from '../recovery/log-history';
import type { CatalogLimits } from './catalog-limits';
import {
  claimScript,
  createScript,
  deleteScript,
  ensureScript,
  intendScript,
  readScript,
  updateScript,
} from './topic-scripts';
import { lostMarkRecord, markRecord } from './registry-mark';
import { encodeRecord, registryField, registryMark, sweepEntry } from './topic';
import type { Topic, TopicRecord } from './topic';

const markArgs = { mark: registryMark, record: markRecord, lostRecord: lostMarkRecord };

/** The registry's content at one moment. */
export interface RegistryContent {
  version: number;
  /** Field (see `registryField`) to the topic's text. */
  topics: Map<string, string>;
}

/**
 * The registry of topics in Redis: one method a script, and nothing remembered. Changes that stay
 * unknown (the reply was lost) are sent again a few times, which every script here allows.
 *
 * All methods throw RedisUnavailable when nothing was executed, and UnknownOutcome when it may have
 * been.
 */
export class TopicRegistry {
  readonly #keys: RegistryKeys;
  readonly #partitions: PartitionStore;

  constructor(
    private readonly redis: RedisLink,
    private readonly clock: Clock,
    private readonly limits: CatalogLimits,
    private readonly history?: LogHistory,
  ) {
    this.#keys = registryKeys(redis.keyPrefix, redis.db);
    this.#partitions = new PartitionStore(redis);
  }

  /** The channel on which each change is published. */
  get changesChannel(): string {
    return this.#keys.changes;
  }

  /** Makes the keys of the registry that are not there, as in a Redis that is new. */
  async ensure(): Promise<void> {
    const run = () => ensureScript.call(this.redis.write, this.#keys, markArgs);
    await this.#repeat(run);
  }

  /** Reads all topics and the version they belong to. */
  async read(): Promise<RegistryContent> {
    const { version, topics: flat } = await readScript.call(this.redis.read, this.#keys, {});
    const topics = new Map<string, string>();
    for (let at = 0; at < flat.length; at += 2) topics.set(flat[at]!, flat[at + 1]!);
    topics.delete(registryMark);
    // What has no topics may have nothing at all.
    if (topics.size === 0) await this.history?.verify();
    return { version, topics };
  }

  /** The number of changes so far. */
  async version(): Promise<number> {
    const { version, clusterId } = this.#keys;
    const asked = Promise.all([this.redis.read.get(version), this.redis.read.get(clusterId)]);
    const [number, id] = await attempt('topics/version', asked);
    this.history?.check(id);
    return Number(number ?? 0);
  }

  /** Notes that a topic is about to be created, unless its name is taken. */
  async intend(record: TopicRecord): Promise<{ taken: string } | 'noted'> {
    const field = registryField(record.topic.name);
    const args = { field, entry: sweepEntry(record), graceMs: this.limits.intentGraceMs };
    const run = () => intendScript.call(this.redis.write, this.#keys, args);
    const reply = await this.#repeat(run);
    return reply.tag === 'taken' ? { taken: reply.topic } : 'noted';
  }

  /** Makes the partitions from…to-1 of a topic, a bounded number at a time; existing ones stay. */
  async prepare({ name, id }: Topic, from: number, to: number): Promise<void> {
    for (const step of steps(from, to, this.limits.partitionsPerStepMax)) {
      const refs = step.map((partition) => ({ topic: name, topicId: id, partition }));
      await this.#repeat(() => Promise.all(refs.map((ref) => this.#partitions.initPartition(ref))));
    }
  }

  /**
   * Lets a prepared topic appear. `expired` when its preparation took too long: then it never
   * appears.
   */
  async create(record: TopicRecord): Promise<{ version: number } | { taken: string } | 'expired'> {
    const { name, id: topicId } = record.topic;
    const texts = { topic: encodeRecord(record), entry: sweepEntry(record) };
    const { changes } = this.#keys;
    const args = { field: registryField(name), topicId, ...texts, changes };
    const reply = await this.#repeat(() => createScript.call(this.redis.write, this.#keys, args));
    if (reply.tag === 'created') return { version: reply.version };
    return reply.tag === 'taken' ? { taken: reply.topic } : 'expired';
  }

  /** Replaces a topic's text if it is still the expected one. */
  async update(
    name: string,
    texts: { expected: string; replacement: string },
  ): Promise<{ version: number } | { conflict: string } | 'gone'> {
    const args = { field: registryField(name), ...texts, changes: this.#keys.changes };
    const reply = await this.#repeat(() => updateScript.call(this.redis.write, this.#keys, args));
    if (reply.tag === 'updated') return { version: reply.version };
    return reply.tag === 'conflict' ? { conflict: reply.topic } : 'gone';
  }

  /**
   * Takes a topic away; `prepared` is how many partitions of it there may be. `gone` when there is
   * no such incarnation of it; `unsure` is true when an earlier attempt of this call may have been
   * the one that took it away.
   */
  async delete(topic: {
    name: string;
    id: string;
  }): Promise<{ version: number; prepared: number } | { gone: true; unsure: boolean }> {
    const { changes } = this.#keys;
    const args = { field: registryField(topic.name), topicId: topic.id, changes };
    let attempts = 0;
    const reply = await this.#repeat(() => {
      attempts++;
      return deleteScript.call(this.redis.write, this.#keys, args);
    });
    if (reply.tag === 'deleted') return { version: reply.version, prepared: reply.prepared };
    return { gone: true, unsure: attempts > 1 };
  }

  /**
   * Closes the partitions of a topic that was taken away: who has not heard of that has nothing
   * acknowledged any more. Their data are left to the sweeper, and so is what cannot be closed now.
   *
   * @param prepared how many there may be
   * @throws RedisUnavailable | UnknownOutcome when some may still be open
   */
  async close({ name: topic, id: topicId }: Topic, prepared: number): Promise<void> {
    for (const step of steps(0, prepared, this.limits.partitionsPerStepMax)) {
      const refs = step.map((partition) => ({ topic, topicId, partition }));
      await this.#partitions.closePartitions(refs);
    }
  }

  /** Hands partitions that belong to no topic to the sweeper. */
  async discard(record: TopicRecord): Promise<void> {
    const run = () => this.redis.write.zadd(this.#keys.deleted, 0, sweepEntry(record));
    await this.#repeat(() => attempt('topics/discard', run()));
  }

  /** Entries that are to be swept now; the same ones again until they are `swept`. */
  async claim(): Promise<readonly string[]> {
    const args = { entriesMax: this.limits.sweepEntriesMax };
    const run = () => claimScript.call(this.redis.write, this.#keys, args);
    return (await this.#repeat(run)).entries;
  }

  /**
   * Unlinks all keys of some partitions; Redis frees their memory in the background.
   *
   * @returns how many keys that were
   */
  async unlink(partitions: readonly PartitionRef[]): Promise<number> {
    return this.#repeat(() => this.#partitions.dropPartitions(partitions));
  }

  /** Forgets an entry whose partitions have all been unlinked. */
  async swept(entry: string): Promise<void> {
    const run = () => this.redis.write.zrem(this.#keys.deleted, entry);
    await this.#repeat(() => attempt('topics/swept', run()));
  }

  /**
   * Runs a change, and again when it stays unknown whether it was made. Once one attempt is
   * unknown, a later one that was surely not executed does not make the whole any surer.
   */
  async #repeat<T>(run: () => Promise<T>): Promise<T> {
    let unknown: UnknownOutcome | undefined;
    for (let attempts = 1; ; attempts++) {
      try {
        return await run();
      } catch (error) {
        if (error instanceof UnknownOutcome) unknown ??= error;
        else if (!(error instanceof RedisUnavailable && unknown)) throw error;
        if (attempts >= this.limits.writeAttemptsMax) throw unknown;
      }
      await new Promise<void>((resolve) => {
        this.clock.setTimer(this.limits.writeRetryMs, resolve);
      });
    }
  }
}

/** The numbers from…to-1 in runs of at most `size`. */
export function* steps(from: number, to: number, size: number): Generator<number[]> {
  for (let at = from; at < to; at += size) {
    yield Array.from({ length: Math.min(size, to - at) }, (_, index) => at + index);
  }
}
