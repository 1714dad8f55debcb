/** One topic as the model has it; ids are left to the real catalogue. */
export interface ModelTopic {
  name: string;
  partitions: number;
  configs: Record<string, string>;
}

/** What an operation came to: done, or refused for a reason. */
export type ModelReply = 'done' | 'nothing' | { refused: string };

/** One step of a history. */
export type CatalogStep =
  | { op: 'create'; name: string; partitions: number; configs: Record<string, string> }
  | { op: 'delete'; name: string }
  | { op: 'grow'; name: string; total: number }
  | { op: 'set'; name: string; config: string; value: string | null };

/**
 * The topic catalogue as plain rules on a map: what the scripts and everything around them must
 * come to. Of configs it knows only numbers from -1 up, such as retention.ms.
 */
export class CatalogModel {
  readonly topics = new Map<string, ModelTopic>();

  /** Runs one step. */
  run(step: CatalogStep): ModelReply {
    switch (step.op) {
      case 'create':
        return this.#create(step);
      case 'delete':
        return this.topics.delete(step.name) ? 'done' : 'nothing';
      case 'grow':
        return this.#grow(step);
      case 'set':
        return this.#set(step);
    }
  }

  /** All topics by name. */
  list(): ModelTopic[] {
    return [...this.topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #create({ name, partitions, configs }: Extract<CatalogStep, { op: 'create' }>): ModelReply {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
      return { refused: 'invalid-name' };
    }
    if (this.topics.has(name)) return { refused: 'exists' };
    for (const other of this.topics.keys()) {
      if (plain(other) === plain(name)) return { refused: 'collides' };
    }
    if (partitions < 1 || partitions > 10_000) return { refused: 'invalid-partitions' };
    if (Object.values(configs).some((value) => !isRetention(value))) {
      return { refused: 'invalid-config' };
    }
    this.topics.set(name, { name, partitions, configs: { ...configs } });
    return 'done';
  }

  #grow({ name, total }: Extract<CatalogStep, { op: 'grow' }>): ModelReply {
    const topic = this.topics.get(name);
    if (!topic) return { refused: 'unknown-topic' };
    if (total <= topic.partitions || total > 10_000) return { refused: 'invalid-partitions' };
    topic.partitions = total;
    return 'done';
  }

  #set({ name, config, value }: Extract<CatalogStep, { op: 'set' }>): ModelReply {
    const topic = this.topics.get(name);
    if (!topic) return { refused: 'unknown-topic' };
    if (value === null) {
      delete topic.configs[config];
      return 'done';
    }
    if (!isRetention(value)) return { refused: 'invalid-config' };
    topic.configs[config] = value;
    return 'done';
  }
}

function isRetention(value: string): boolean {
  return /^-1$|^\d{1,15}$/.test(value);
}

/** Names that are the same here are too alike for Kafka. */
function plain(name: string): string {
  return name.split('.').join('_');
}
