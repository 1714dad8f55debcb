import type { HistoryFile } from './history-file';

/** How far each reader and each group has come while a run goes on. */
export class Progress {
  readonly #farthest = new Map<string, Map<number, number>>();
  /** When what each producer, reader or group got done last was begun. */
  readonly #begun = new Map<string, number>();

  constructor(history: HistoryFile) {
    history.listen((operation) => {
      if (operation.kind === 'send' && operation.outcome === 'done') {
        this.#begun.set(operation.process, operation.begunMs);
      }
      if (operation.kind !== 'poll') return;
      const { group, process, partition, records } = operation;
      const last = records.at(-1)?.[0];
      if (last === undefined) return;
      this.#begun.set(group ?? process, operation.begunMs);
      this.#note(group ?? process, partition, last);
    });
  }

  /** Whether all of them have got the last record of each partition. */
  haveReached(names: readonly string[], lastOffsets: ReadonlyMap<number, number>): boolean {
    return names.every((name) => {
      const own = this.#farthest.get(name);
      return [...lastOffsets].every(([partition, last]) => (own?.get(partition) ?? -1) >= last);
    });
  }

  /** Whether each of them has got something done that it began after a moment. */
  haveGotOn(names: readonly string[], sinceMs: number): boolean {
    return names.every((name) => (this.#begun.get(name) ?? -1) >= sinceMs);
  }

  #note(name: string, partition: number, offset: number): void {
    let own = this.#farthest.get(name);
    if (own === undefined) this.#farthest.set(name, (own = new Map()));
    own.set(partition, Math.max(offset, own.get(partition) ?? -1));
  }
}
