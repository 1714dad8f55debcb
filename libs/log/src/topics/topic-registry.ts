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
  intendScript,
  readScript,
  updateScript,
} from './topic-scripts';
import { encodeRecord, registryField, sweepEntry } from './topic';
import type { Topic, TopicRecord } from './topic';

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

  /** Reads all topics and the version they belong to. */
  async read(): Promise<RegistryContent> {
    const { topics, version } = this.#keys;
    const reply = await readScript.run(this.redis.read, [topics, version], []);
    const [number, flat] = reply as [number, string[]];
    // What has no topics may have nothing at all.
    if (flat.length === 0) await this.history?.verify();
    const content: RegistryContent = { version: number, topics: new Map() };
    for (let at = 0; at < flat.length; at += 2) content.topics.set(flat[at]!, flat[at + 1]!);
    return content;
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
    const { topics, deleted } = this.#keys;
    const args = [registryField(record.topic.name), sweepEntry(record), this.limits.intentGraceMs];
    const run = () => intendScript.run(this.redis.write, [topics, deleted], args);
    const [tag, taken] = (await this.#repeat(run)) as [string, string];
    return tag === 'taken' ? { taken } : 'noted';
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
    const { topics, deleted, version, changes } = this.#keys;
    const { name, id } = record.topic;
    const args = [registryField(name), id, encodeRecord(record), sweepEntry(record)];
    const run = () => createScript.run(this.redis.write, [topics, deleted, version, changes], args);
    const [tag, detail] = (await this.#repeat(run)) as [string, number | string];
    if (tag === 'created') return { version: Number(detail) };
    return tag === 'taken' ? { taken: String(detail) } : 'expired';
  }

  /** Replaces a topic's text if it is still the expected one. */
  async update(
    name: string,
    texts: { expected: string; replacement: string },
  ): Promise<{ version: number } | { conflict: string } | 'gone'> {
    const { topics, version, changes } = this.#keys;
    const args = [registryField(name), texts.expected, texts.replacement];
    const run = () => updateScript.run(this.redis.write, [topics, version, changes], args);
    const [tag, detail] = (await this.#repeat(run)) as [string, number | string];
    if (tag === 'updated') return { version: Number(detail) };
    return tag === 'conflict' ? { conflict: String(detail) } : 'gone';
  }

  /**
   * Takes a topic away. `gone` when there is no such incarnation of it; `unsure` is true when an
   * earlier attempt of this call may have been the one that took it away.
   */
  async delete(topic: {
    name: string;
    id: string;
  }): Promise<{ version: number } | { gone: true; unsure: boolean }> {
    const { topics, deleted, version, changes } = this.#keys;
    let attempts = 0;
    const run = () => {
      attempts++;
      const args = [registryField(topic.name), topic.id];
      return deleteScript.run(this.redis.write, [topics, deleted, version, changes], args);
    };
    const [tag, detail] = (await this.#repeat(run)) as [string, number];
    return tag === 'deleted' ? { version: detail } : { gone: true, unsure: attempts > 1 };
  }

  /** Hands partitions that belong to no topic to the sweeper. */
  async discard(record: TopicRecord): Promise<void> {
    const run = () => this.redis.write.zadd(this.#keys.deleted, 0, sweepEntry(record));
    await this.#repeat(() => attempt('topics/discard', run()));
  }

  /** Entries that are to be swept now; the same ones again until they are `swept`. */
  async claim(): Promise<string[]> {
    const { topics, deleted } = this.#keys;
    const run = () =>
      claimScript.run(this.redis.write, [topics, deleted], [this.limits.sweepEntriesMax]);
    return (await this.#repeat(run)) as string[];
  }

  /** Unlinks all keys of some partitions; Redis frees their memory in the background. */
  async unlink(partitions: readonly PartitionRef[]): Promise<void> {
    await this.#repeat(() => this.#partitions.dropPartitions(partitions));
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
