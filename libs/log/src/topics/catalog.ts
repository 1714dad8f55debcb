import { silentMetrics, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import { diskProblem, type RedisLink } from '@sluice/redis';
import { logMetrics } from '../metrics';
import type { LogHistory } from '../recovery/log-history';
import { catalogLimits } from './catalog-limits';
import type { CatalogLimits } from './catalog-limits';
import { accept, type CatalogParts } from './catalog-parts';
import { TopicFollower } from './follower';
import { busy } from './refusals';
import type { Topic } from './topic';
import { createTopic, type Created, type NewTopic } from './topic-creation';
import { TopicRegistry } from './topic-registry';
import { addPartitions, setConfigs } from './topic-updates';
import type { ChangedMeanwhile, ConfigRequest, ConfigTerms, Updated } from './topic-updates';
import { TopicView, type TopicChange } from './view';

/** Which topic: a name (or, where no topic has that name, an id), or surely one of the two. */
export type TopicSelector = string | { name: string } | { id: string };

interface CatalogDeps {
  clock: Clock;
  random: Random;
  log: Logger;
  metrics?: Metrics;
  /** Knows when all topics are gone, so that none is taken for deleted. */
  history?: LogHistory;
  /** Other limits, for tests. */
  limits?: Partial<CatalogLimits>;
}

/**
 * All topics, in memory and in step with Redis to within a second, and the changes of them. Changes
 * throw RedisUnavailable when nothing was changed and UnknownOutcome when it may have been; what
 * was refused is returned. Reading never fails: while Redis is away the last known topics are
 * served.
 */
export class TopicCatalog {
  readonly #parts: CatalogParts;
  readonly #listeners = new Set<(change: TopicChange) => void>();
  readonly #unobserve: readonly (() => void)[];

  constructor(redis: RedisLink, deps: CatalogDeps) {
    const { clock, random, log, history, metrics = silentMetrics } = deps;
    const limits = { ...catalogLimits, ...deps.limits };
    const registry = new TopicRegistry(redis, clock, limits, history);
    history?.countTopicsBy(() => this.list().length);
    const view = new TopicView((field, { message }) => {
      log.error('a topic cannot be read, and is not served', { field, error: message });
    });
    const onChange = (change: TopicChange) => {
      if (change.deleted) history?.ends.forget(change.deleted.id);
      this.#emit(change);
    };
    const follower = new TopicFollower({ redis, registry, view, clock, log, limits, onChange });
    const ofDisks = (copies: number) => diskProblem(redis.shards, copies);
    this.#parts = { registry, view, follower, limits, clock, random, log, diskProblem: ofDisks };
    this.#unobserve = [
      metrics.observe(logMetrics.topics, (tell) => tell(this.list().length)),
      metrics.observe(logMetrics.partitions, (tell) => {
        tell(this.list().reduce((sum, { partitions }) => sum + partitions, 0));
      }),
    ];
  }

  /** Reads all topics and follows their changes. Throws when Redis cannot be read. */
  start(): Promise<void> {
    return this.#parts.follower.start();
  }

  /** Stops following; look-ups go on with what was last known. */
  stop(): Promise<void> {
    for (const stop of this.#unobserve) stop();
    return this.#parts.follower.stop();
  }

  /** Rises with each change of any topic, by whomever; -1 before the topics were first read. */
  get version(): number {
    return this.#parts.view.version;
  }

  /** All topics, by name. The same array until something changes. */
  list(): readonly Topic[] {
    return this.#parts.view.list();
  }

  byName(name: string): Topic | undefined {
    return this.#parts.view.byName(name);
  }

  byId(id: string): Topic | undefined {
    return this.#parts.view.byId(id);
  }

  /** Calls the listener after each change, this process' own too; returns how to take it back. */
  on(_event: 'change', listener: (change: TopicChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Creates a topic. Its partitions are made first and the topic appears last, so a topic that is
   * seen is whole; of two that are created at once under one name, one is refused.
   */
  create(request: NewTopic): Promise<Created> {
    return createTopic(this.#parts, request);
  }

  /**
   * Deletes a topic: it is gone at once, and its data is unlinked in the background. When this
   * resolves, no append to it is acknowledged any more, also by who has not heard of it. Works
   * while Redis is full.
   *
   * @returns the topic that was deleted, or null when there is none
   */
  async delete(selector: TopicSelector): Promise<Topic | null> {
    const { follower, registry, limits } = this.#parts;
    await follower.ensureFresh();
    for (let round = 0; round < limits.conflictsMax; round++) {
      const topic = this.#select(selector);
      if (!topic) return null;
      const reply = await registry.delete(topic);
      if ('version' in reply) {
        await this.#close(topic, reply.prepared);
        await accept(this.#parts, topic, { version: reply.version, text: null });
        return topic;
      }
      // Somebody else deleted it, and may have created it again.
      if (reply.unsure) await this.#close(topic, topic.partitions);
      await follower.refresh();
      if (reply.unsure) return topic;
    }
    throw busy('topics/delete');
  }

  /**
   * Makes a topic grow to `total` partitions. It cannot shrink, or stay as it is (Kafka's rule).
   */
  addPartitions(
    name: string,
    total: number,
    options: { validateOnly?: boolean } = {},
  ): Promise<Updated<'invalid-partitions'>> {
    return addPartitions(this.#parts, name, total, options);
  }

  /**
   * Changes a topic's configs. Changes that others make at the same time are kept: the steps are
   * applied to what is stored then, unless `terms` say that it must be what was seen. Nothing is
   * changed unless all of it is valid.
   */
  setConfigs(
    name: string,
    request: ConfigRequest,
    terms: ConfigTerms = {},
  ): Promise<Updated<'invalid-config'> | ChangedMeanwhile> {
    return setConfigs(this.#parts, name, request, terms);
  }

  /** The topic is gone in any case, and the sweeper does the rest. */
  async #close(topic: Topic, prepared: number): Promise<void> {
    const { registry, log } = this.#parts;
    await registry.close(topic, prepared).catch(({ message }: Error) => {
      const fields = { topic: topic.name, error: message };
      log.warn('partitions of a deleted topic take appends until all have heard of it', fields);
    });
  }

  #select(selector: TopicSelector): Topic | undefined {
    if (typeof selector === 'string') return this.byName(selector) ?? this.byId(selector);
    return 'name' in selector ? this.byName(selector.name) : this.byId(selector.id);
  }

  #emit(change: TopicChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
