import { TroubleLog, type Clock, type Logger } from '@sluice/base';
import type { ConsumedRecord, RecordProducer, RecordToSend } from '@sluice/streams';
import { messageOf } from '../errors/error-report';
import { transportLimits } from '../transport-limits';

/** Whoever waits for a letter to be written: a partition that may be let go meanwhile. */
export interface LetterOwner {
  /** Resolves to false, at once, when these records are not to be waited for any longer. */
  wait(records: readonly ConsumedRecord[], delayMs: number): Promise<boolean>;
}

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

  /** Resolves to whether it was written: false only when its owner no longer waits. */
  async write(letter: RecordToSend, record: ConsumedRecord, owner: LetterOwner): Promise<boolean> {
    let delayMs = transportLimits.sideTopicDelayMs;
    try {
      while (!(await this.#try(letter))) {
        if (!(await owner.wait([record], delayMs))) return false;
        delayMs = Math.min(2 * delayMs, transportLimits.sideTopicDelayMsMax);
      }
      return true;
    } finally {
      this.#problems.delete(letter);
      if (this.#problems.size === 0) this.#trouble.over();
    }
  }

  stop(): void {
    this.#trouble.stop();
  }

  async #try(letter: RecordToSend): Promise<boolean> {
    try {
      await this.options.producer.send(letter);
      return true;
    } catch (error) {
      const problem = `${letter.topic}: ${messageOf(error)}`;
      this.#problems.set(letter, problem);
      this.#trouble.note({ topic: letter.topic, error: messageOf(error) });
      return false;
    }
  }
}
