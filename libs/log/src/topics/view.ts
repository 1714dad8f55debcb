import { decodeRecord, registryField } from './topic';
import type { Topic } from './topic';
import type { RegistryContent } from './topic-registry';

/** What happened to one topic. */
export type TopicChange =
  | { created: Topic; deleted?: undefined; updated?: undefined }
  | { deleted: Topic; created?: undefined; updated?: undefined }
  | { updated: Topic; created?: undefined; deleted?: undefined };

interface Entry {
  text: string;
  topic: Topic;
}

/** One change of the registry. */
export interface RegistryChange {
  version: number;
  field: string;
  /** The topic's new text; null when it was deleted. */
  text: string | null;
}

/** The last known content of the registry, in memory, with look-ups in constant time. */
export class TopicView {
  #version = -1;
  #byField = new Map<string, Entry>();
  readonly #byId = new Map<string, Topic>();
  readonly #byName = new Map<string, Topic>();
  #list: readonly Topic[] | null = null;
  #partitions = 0;

  constructor(private readonly onUnreadable: (field: string, error: Error) => void) {}

  /** The registry's version that this is; -1 before the first. */
  get version(): number {
    return this.#version;
  }

  /** Partitions of all topics together. */
  get partitions(): number {
    return this.#partitions;
  }

  /** All topics by name; the same array until something changes. */
  list(): readonly Topic[] {
    if (!this.#list) {
      const topics = Array.from(this.#byField.values(), ({ topic }) => topic);
      this.#list = Object.freeze(topics.sort((a, b) => (a.name < b.name ? -1 : 1)));
    }
    return this.#list;
  }

  byName(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id);
  }

  /** The topic that has this name, or one that collides with it. */
  holderOf(name: string): Topic | undefined {
    return this.#byField.get(registryField(name))?.topic;
  }

  /** The registry's text for a topic. */
  textOf(name: string): string | undefined {
    return this.byName(name) && this.#byField.get(registryField(name))?.text;
  }

  /** Takes over the whole registry; topics that did not change stay the same objects. */
  replace(content: RegistryContent): TopicChange[] {
    const changes: TopicChange[] = [];
    for (const field of this.#byField.keys()) {
      if (!content.topics.has(field)) changes.push(...this.#set(field, null));
    }
    for (const [field, text] of content.topics) changes.push(...this.#set(field, text));
    this.#version = content.version;
    return changes;
  }

  /**
   * Takes over one change. Null when a change before it is missing, so that all must be read anew.
   */
  apply({ version, field, text }: RegistryChange): TopicChange[] | null {
    if (version <= this.#version) return [];
    if (version > this.#version + 1) return null;
    this.#version = version;
    return this.#set(field, text);
  }

  #set(field: string, text: string | null): TopicChange[] {
    const old = this.#byField.get(field);
    if (old?.text === text) return [];
    const topic = text === null ? undefined : this.#decode(field, text);
    if (old && topic && JSON.stringify(topic) === JSON.stringify(old.topic)) {
      // Only what the registry keeps for itself has changed.
      old.text = text!;
      return [];
    }
    this.#list = null;
    if (old) {
      this.#byId.delete(old.topic.id);
      this.#byName.delete(old.topic.name);
      this.#partitions -= old.topic.partitions;
    }
    if (text === null || !topic) {
      this.#byField.delete(field);
      return old ? [{ deleted: old.topic }] : [];
    }
    this.#byField.set(field, { text, topic });
    this.#byId.set(topic.id, topic);
    this.#byName.set(topic.name, topic);
    this.#partitions += topic.partitions;
    if (!old) return [{ created: topic }];
    if (old.topic.id === topic.id) return [{ updated: topic }];
    return [{ deleted: old.topic }, { created: topic }];
  }

  #decode(field: string, text: string): Topic | undefined {
    try {
      return decodeRecord(text).topic;
    } catch (error) {
      this.onUnreadable(field, error as Error);
      return undefined;
    }
  }
}
