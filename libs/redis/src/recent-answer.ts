import type { Clock } from '@sluice/base';

/** Something that is asked again only where the last answer has become too old. */
export class RecentAnswer<T> {
  #last: { answer: T; atMs: number } | null = null;
  #asking: Promise<T> | null = null;

  constructor(
    private readonly options: { clock: Clock; ageMaxMs: number; ask: () => Promise<T> },
  ) {}

  /** The last answer, however old; null before the first. */
  get last(): T | null {
    return this.#last?.answer ?? null;
  }

  /** What was answered may be wrong now. */
  forget(): void {
    this.#last = null;
  }

  /**
   * An answer that is at most `ageMaxMs` old; those who want it at once share one question.
   *
   * @throws as `ask`
   */
  get(): Promise<T> {
    const { clock, ageMaxMs } = this.options;
    const last = this.#last;
    if (last !== null && clock.monotonicMs() - last.atMs < ageMaxMs) {
      return Promise.resolve(last.answer);
    }
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask(): Promise<T> {
    const { clock, ask } = this.options;
    const answer = await ask();
    this.#last = { answer, atMs: clock.monotonicMs() };
    return answer;
  }
}
