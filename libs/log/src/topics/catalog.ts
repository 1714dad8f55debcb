import type { Clock, Logger, Random } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { changeConfigs, checkConfigs } from '../configs/changes';
import type { CheckedConfigs, ConfigChange } from '../configs/changes';
import { resolveConfigs } from '../configs/resolve';
import { TopicFollower } from './follower';
import { catalogLimits } from './catalog-limits';
import type { CatalogLimits } from './catalog-limits';
import { TopicRegistry } from './topic-registry';
import { decodeRecord, encodeRecord, freezeTopic, registryField, topicNameProblem } from './topic';
import type { Topic, TopicRecord } from './topic';
import { TopicView } from './view';
import type { TopicChange } from './view';

/** A change that was not made, and why, in words for the client. */
export interface Refused<Reason extends string> {
  refused: Reason;
  message: string;
}

/** Why a topic was not created. */
export type CreateRefusal =
  'exists' | 'invalid-name' | 'collides' | 'invalid-partitions' | 'invalid-config';

/** What a new topic is to be. */
export interface NewTopic {
  name: string;
  /** 1…10,000. */
  partitions: number;
  /** Configs as the client sent them; those left out have their defaults. */
  configs?: Readonly<Record<string, string | null>>;
  /** Only check; nothing is created, and the returned topic's id means nothing. */
  validateOnly?: boolean;
}

/** How a topic's configs are to change: step by step, or all replaced (the legacy AlterConfigs). */
export type ConfigRequest =
  { changes: ConfigChange[] } | { replace: Readonly<Record<string, string | null>> };

/** Which topic: a name (or, where no topic has that name, an id), or surely one of the two. */
export type TopicSelector = string | { name: string } | { id: string };

interface CatalogDeps {
  clock: Clock;
  random: Random;
  log: Logger;
  /** Other limits, for tests. */
  limits?: Partial<CatalogLimits>;
}

type Created = { created: Topic } | Refused<CreateRefusal>;
type Updated<Reason extends string> = { updated: Topic } | Refused<'unknown-topic' | Reason>;
/** What became of an update; the conflicting text is undefined when the topic is gone. */
type Update = { updated: Topic } | { conflict: string | undefined };
type Decision = { next: TopicRecord } | Refused<'unknown-topic' | 'invalid-config'>;

/**
 * All topics, in memory and in step with Redis to within a second, and the changes of them. Changes
 * throw RedisUnavailable when nothing was changed and UnknownOutcome when it may have been; what
 * was refused is returned. Reading never fails: while Redis is away the last known topics are
 * served.
 */
export class TopicCatalog {
  readonly #registry: TopicRegistry;
  readonly #view: TopicView;
  readonly #follower: TopicFollower;
  readonly #limits: CatalogLimits;
  readonly #listeners = new Set<(change: TopicChange) => void>();

  constructor(
    redis: RedisLink,
    private readonly deps: CatalogDeps,
  ) {
    const { clock, log } = deps;
    this.#limits = { ...catalogLimits, ...deps.limits };
    this.#registry = new TopicRegistry(redis, clock, this.#limits);
    this.#view = new TopicView((field, error) => {
      log.error('a topic in the registry cannot be read', { field, error: error.message });
    });
    this.#follower = new TopicFollower({
      redis,
      registry: this.#registry,
      view: this.#view,
      clock,
      log,
      limits: this.#limits,
      onChange: (change) => this.#emit(change),
    });
  }

  /** Reads all topics and follows their changes. Throws when Redis cannot be read. */
  start(): Promise<void> {
    return this.#follower.start();
  }

  /** Stops following; look-ups go on with what was last known. */
  stop(): Promise<void> {
    return this.#follower.stop();
  }

  /** All topics, by name. The same array until something changes. */
  list(): readonly Topic[] {
    return this.#view.list();
  }

  byName(name: string): Topic | undefined {
    return this.#view.byName(name);
  }

  byId(id: string): Topic | undefined {
    return this.#view.byId(id);
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
  async create(request: NewTopic): Promise<Created> {
    const { name, partitions, validateOnly } = request;
    const nameProblem = topicNameProblem(name);
    if (nameProblem) return { refused: 'invalid-name', message: nameProblem };
    await this.#follower.ensureFresh();
    const holder = this.#view.holderOf(name);
    if (holder) return taken(name, holder);
    const partitionProblem = this.#partitionProblem(partitions, partitions);
    if (partitionProblem) return { refused: 'invalid-partitions', message: partitionProblem };
    const configs = checkConfigs(request.configs ?? {});
    if ('problem' in configs) return { refused: 'invalid-config', message: configs.problem };
    const topic = freezeTopic({
      name,
      id: this.deps.random.uuid(),
      partitions,
      configs: configs.ok,
      createdAtMs: this.deps.clock.nowMs(),
    });
    return validateOnly ? { created: topic } : this.#create({ topic, prepared: partitions });
  }

  /**
   * Deletes a topic: it is gone at once, and its data is unlinked in the background. Works while
   * Redis is full.
   *
   * @returns the topic that was deleted, or null when there is none
   */
  async delete(selector: TopicSelector): Promise<Topic | null> {
    await this.#follower.ensureFresh();
    for (let round = 0; round < this.#limits.conflictsMax; round++) {
      const topic = this.#select(selector);
      if (!topic) return null;
      const reply = await this.#registry.delete(topic);
      if ('version' in reply) {
        await this.#accept(topic, reply.version, null);
        return topic;
      }
      // Somebody else deleted it, and may have created it again.
      await this.#follower.refresh();
      if (reply.unsure) return topic;
    }
    throw busy('topics/delete');
  }

  /**
   * Makes a topic grow to `total` partitions. It cannot shrink, or stay as it is (Kafka's rule).
   */
  async addPartitions(
    name: string,
    total: number,
    options: { validateOnly?: boolean } = {},
  ): Promise<Updated<'invalid-partitions'>> {
    await this.#follower.ensureFresh();
    let text = this.#view.textOf(name);
    for (let round = 0; round < this.#limits.conflictsMax; round++) {
      if (text === undefined) return unknownTopic(name);
      const record = decodeRecord(text);
      if (record.topic.name !== name) return unknownTopic(name);
      const message = this.#growthProblem(record.topic.partitions, total);
      if (message) return { refused: 'invalid-partitions', message };
      const grown = withPartitions(record, total);
      if (options.validateOnly) return { updated: grown.topic };
      const reply = await this.#grow(text, record, grown);
      if ('updated' in reply) return reply;
      text = reply.conflict;
    }
    throw busy('topics/update');
  }

  /**
   * Changes a topic's configs. Changes that others make at the same time are kept: the steps are
   * applied to what is stored then. Nothing is changed unless all of it is valid.
   */
  async setConfigs(
    name: string,
    request: ConfigRequest,
    options: { validateOnly?: boolean } = {},
  ): Promise<Updated<'invalid-config'>> {
    await this.#follower.ensureFresh();
    let text = this.#view.textOf(name);
    for (let round = 0; round < this.#limits.conflictsMax; round++) {
      const decision = decideConfigs(name, text, request);
      if ('refused' in decision) return decision;
      const { next } = decision;
      if (options.validateOnly || encodeRecord(next) === text) return { updated: next.topic };
      const reply = await this.#update(text!, next);
      if ('updated' in reply) {
        this.#warnOfCompaction(next.topic);
        return reply;
      }
      text = reply.conflict;
    }
    throw busy('topics/update');
  }

  async #create(record: TopicRecord): Promise<Created> {
    const { topic } = record;
    const noted = await this.#registry.intend(record);
    if (noted !== 'noted') return this.#lost(topic.name, noted.taken);
    await this.#registry.prepare(topic, 0, topic.partitions);
    const reply = await this.#registry.create(record);
    // The sweeper has taken the partitions: either this took too long, or an earlier attempt
    // succeeded and the topic has been deleted since.
    if (reply === 'expired') throw new UnknownOutcome('topics/create');
    if ('taken' in reply) return this.#lost(topic.name, reply.taken);
    this.#warnOfCompaction(topic);
    return { created: await this.#accept(topic, reply.version, encodeRecord(record)) };
  }

  async #lost(name: string, takenBy: string): Promise<Created> {
    await this.#follower.refresh();
    return taken(name, decodeRecord(takenBy).topic);
  }

  /** Makes the partitions between two sizes of a topic, and then lets them appear. */
  async #grow(text: string, record: TopicRecord, grown: TopicRecord): Promise<Update> {
    const { id, partitions } = record.topic;
    let expected = text;
    if (record.prepared < grown.prepared) {
      // Noted first, so that deleting the topic also removes partitions that never appeared.
      const noted = { ...record, prepared: grown.prepared };
      const reply = await this.#update(expected, noted);
      if ('conflict' in reply) return reply;
      expected = encodeRecord(noted);
    }
    await this.#registry.prepare(record.topic, partitions, grown.topic.partitions);
    const reply = await this.#update(expected, grown);
    if ('updated' in reply) return reply;
    const current = reply.conflict === undefined ? undefined : decodeRecord(reply.conflict);
    // The topic was deleted meanwhile, perhaps before the partitions were made.
    if (current?.topic.id !== id) await this.#registry.discard(grown);
    return reply;
  }

  /** Replaces a topic's record, or tells what is there instead of the expected one. */
  async #update(expected: string, next: TopicRecord): Promise<Update> {
    const replacement = encodeRecord(next);
    const reply = await this.#registry.update(next.topic.name, { expected, replacement });
    if (reply === 'gone') {
      await this.#follower.refresh();
      return { conflict: undefined };
    }
    if ('conflict' in reply) return reply;
    return { updated: await this.#accept(next.topic, reply.version, replacement) };
  }

  /** Takes over this process' own change; returns the topic as the view has it now. */
  async #accept(topic: Topic, version: number, text: string | null): Promise<Topic> {
    await this.#follower.accept({ version, field: registryField(topic.name), text });
    return this.#view.byId(topic.id) ?? topic;
  }

  #select(selector: TopicSelector): Topic | undefined {
    if (typeof selector === 'string') return this.byName(selector) ?? this.byId(selector);
    return 'name' in selector ? this.byName(selector.name) : this.byId(selector.id);
  }

  #partitionProblem(total: number, added: number): string | undefined {
    const { partitionsPerTopicMax, partitionsTotalMax } = this.#limits;
    if (!Number.isInteger(total) || total < 1) return 'A topic needs at least 1 partition';
    if (total > partitionsPerTopicMax) {
      return `A topic cannot have more than ${partitionsPerTopicMax} partitions`;
    }
    if (this.#view.partitions + added <= partitionsTotalMax) return undefined;
    return `All topics together cannot have more than ${partitionsTotalMax} partitions`;
  }

  #growthProblem(partitions: number, total: number): string | undefined {
    if (Number.isInteger(total) && total > partitions) {
      return this.#partitionProblem(total, total - partitions);
    }
    if (total === partitions) return `The topic already has ${partitions} partitions`;
    return `The topic has ${partitions} partitions, and cannot have fewer`;
  }

  #warnOfCompaction(topic: Topic): void {
    if (!resolveConfigs(topic).compacted) return;
    this.deps.log.warn('a compacted topic keeps every record: compaction is not available', {
      topic: topic.name,
    });
  }

  #emit(change: TopicChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function decideConfigs(name: string, text: string | undefined, request: ConfigRequest): Decision {
  if (text === undefined) return unknownTopic(name);
  const record = decodeRecord(text);
  const { topic } = record;
  if (topic.name !== name) return unknownTopic(name);
  const checked: CheckedConfigs =
    'replace' in request
      ? checkConfigs(request.replace)
      : changeConfigs(topic.configs, request.changes);
  if ('problem' in checked) return { refused: 'invalid-config', message: checked.problem };
  return { next: { ...record, topic: freezeTopic({ ...topic, configs: checked.ok }) } };
}

function withPartitions({ topic, prepared }: TopicRecord, total: number): TopicRecord {
  return {
    topic: freezeTopic({ ...topic, partitions: total }),
    prepared: Math.max(prepared, total),
  };
}

function taken(name: string, holder: Topic): Refused<'exists' | 'collides'> {
  if (holder.name === name) return { refused: 'exists', message: `Topic '${name}' already exists` };
  const message = `Topic '${name}' collides with the existing topic '${holder.name}'`;
  return { refused: 'collides', message };
}

function unknownTopic(name: string): Refused<'unknown-topic'> {
  return { refused: 'unknown-topic', message: `There is no topic '${name}'` };
}

function busy(what: string): RedisUnavailable {
  return new RedisUnavailable('busy', `${what}: others kept changing the same topic`);
}
