import type { Topic, TopicChange } from '@sluice/log';
import type { TopicSource } from '../src/assigned/session/topics';

/** Topics that a test makes and deletes; one of them may be what several processes see. */
export class FakeTopics implements TopicSource {
  version = 0;
  #topics: readonly Topic[] = [];
  readonly #listeners = new Set<(change: TopicChange) => void>();

  get listenerCount(): number {
    return this.#listeners.size;
  }

  list(): readonly Topic[] {
    return this.#topics;
  }

  on(_event: 'change', listener: (change: TopicChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  create(name: string, partitions: number, id = `id-${name}`): void {
    const created: Topic = { id, name, partitions, configs: {}, createdAtMs: 0 };
    this.#change([...this.#topics, created], { created });
  }

  delete(name: string): void {
    const deleted = this.#topics.find((topic) => topic.name === name)!;
    this.#change(
      this.#topics.filter((topic) => topic !== deleted),
      { deleted },
    );
  }

  grow(name: string, partitions: number): void {
    const updated = { ...this.#topics.find((topic) => topic.name === name)!, partitions };
    this.#change(
      this.#topics.map((topic) => (topic.name === name ? updated : topic)),
      { updated },
    );
  }

  #change(topics: readonly Topic[], change: TopicChange): void {
    this.#topics = topics;
    this.version++;
    for (const listener of this.#listeners) listener(change);
  }
}
