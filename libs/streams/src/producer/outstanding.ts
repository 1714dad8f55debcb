/** Records that were given between two calls of `ended`. */
export interface Flight {
  records: number;
  /** Set once it is waited for. */
  onEnd: (() => void) | null;
}

/** Counts records without an outcome, so that one can wait for those that there are now. */
export class Outstanding {
  #current: Flight = { records: 0, onEnd: null };
  readonly #waitedFor = new Set<Promise<void>>();

  /** A record has come; the flight is to be given to `end` when it has its outcome. */
  begin(): Flight {
    this.#current.records++;
    return this.#current;
  }

  end(flight: Flight): void {
    if (--flight.records === 0) flight.onEnd?.();
  }

  /** Resolves when all that have come by now have their outcomes. */
  async ended(): Promise<void> {
    const flight = this.#current;
    if (flight.records > 0) {
      this.#current = { records: 0, onEnd: null };
      const end = new Promise<void>((resolve) => (flight.onEnd = resolve));
      this.#waitedFor.add(end);
      void end.then(() => this.#waitedFor.delete(end));
    }
    await Promise.all(this.#waitedFor);
  }
}
