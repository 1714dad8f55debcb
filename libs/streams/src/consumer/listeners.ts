import type { ConsumerStatus, PartitionName } from '../api';

/** Who is told of something, in the order in which they asked for it. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** @returns how to take it back */
  add(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}

/** Those who are told of a consumer. */
export class ConsumerListeners {
  readonly status = new Listeners<ConsumerStatus>();
  readonly assigned = new Listeners<readonly PartitionName[]>();
  readonly revoked = new Listeners<readonly PartitionName[]>();
}
