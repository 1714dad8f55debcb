import { TroubleLog, type Clock, type Logger } from '@sluice/base';
import {
  isSendError,
  type ConsumedRecord,
  type RecordProducer,
  type RecordToSend,
} from '@sluice/streams';
import { messageOf } from '../errors/error-report';
import { transportLimits } from '../transport-limits';
import { isDeadLetter, shorterLetter } from './letter';

/** Whoever waits for a letter to be written: a partition that may be let go meanwhile. */
export interface LetterOwner {
  /** Resolves to false, at once, when these records are not to be waited for any longer. */
  wait(records: readonly ConsumedRecord[], delayMs: number): Promise<boolean>;
}

/** What became of a letter. */
export type LetterOutcome = 'written' | 'let-go' | 'too-large';

/** What letters are written with. */
export interface SideTopicsOptions {
  producer: RecordProducer;
  clock: Clock;
  log: Logger;
}

/**
 * Writes to retry and dead-letter topics. A letter that cannot be written is tried again for as
 * long as its partition is owned, and the record waits for it: it is never dropped.
 */
export class SideTopics {
  readonly #trouble: TroubleLog;
  readonly #problems = new Map<RecordToSend, string>();

  constructor(private readonly options: SideTopicsOptions) {
    const { clock, log } = options;
    const message = 'a record cannot be written to a dead-letter or retry topic; it is tried again';
    const quietMs = 2 * transportLimits.sideTopicDelayMsMax;
    this.#trouble = new TroubleLog({ clock, log, message, quietMs, level: 'error' });
  }

  /** Why letters wait; null when none does. */
  get problem(): string | null {
    for (const problem of this.#problems.values()) return problem;
    return null;
  }

  /**
   * Writes it, whatever it takes. A dead letter that is too large for its topic is shortened; one
   * that is refused for another reason waits until somebody has mended that.
   *
   * @returns `let-go` when its owner no longer waits; `too-large` only for what cannot be shortened
   */
  async write(
    letter: RecordToSend,
    record: ConsumedRecord,
    owner: LetterOwner,
  ): Promise<LetterOutcome> {
    const { sideTopicDelayMs, sideTopicDelayMsMax } = transportLimits;
    let delayMs = sideTopicDelayMs;
    let attempted = letter;
    try {
      for (;;) {
        const error = await this.#try(attempted);
        if (error === null) return 'written';
        if (isTooLarge(error)) {
          if (!isDeadLetter(letter)) return 'too-large';
          const shorter = shorterLetter(attempted);
          if (shorter !== null) {
            attempted = shorter;
            continue;
          }
        }
        this.#problems.set(letter, `${letter.topic}: ${messageOf(error)}`);
        this.#trouble.note({ topic: letter.topic, error: messageOf(error) });
        if (!(await owner.wait([record], delayMs))) return 'let-go';
        delayMs = Math.min(2 * delayMs, sideTopicDelayMsMax);
      }
    } finally {
      this.#problems.delete(letter);
      if (this.#problems.size === 0) this.#trouble.over();
    }
  }

  stop(): void {
    this.#trouble.stop();
  }

  /** What keeps it from being written; null when it is. */
  async #try(letter: RecordToSend): Promise<Error | null> {
    try {
      await this.options.producer.send(letter);
      return null;
    } catch (error) {
      return error as Error;
    }
  }
}

function isTooLarge(error: Error): boolean {
  return isSendError(error) && error.code === 'MESSAGE_TOO_LARGE';
}
