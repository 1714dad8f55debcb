import type { PartitionRef } from '../keys';

/** What an appender tells of the end of one log. */
export interface EndNotes {
  /** The log reaches up to here. */
  reached(logEndOffset: number): void;
  /** So many offsets were perhaps given out: nobody answered. */
  doubted(offsets: number): void;
}

/** How far a log reached, by what this process knows. */
export interface KnownEnd {
  ref: PartitionRef;
  /** -1: only that there are offsets in doubt. */
  logEndOffset: number;
  /** Offsets in doubt behind it. */
  inDoubt: number;
}

interface OfTopic {
  topic: string;
  /** For each partition its log end, or -1, and what is in doubt; together two numbers. */
  numbers: Float64Array;
}

/**
 * The ends of all logs that this process has appended to: what Redis has to be held to when it
 * comes back. Two numbers a partition, for as long as its topic exists.
 */
export class KnownEnds {
  readonly #topics = new Map<string, OfTopic>();

  /** What the appender of a partition is to tell. */
  of({ topic, topicId, partition }: PartitionRef): EndNotes {
    const place = (): Float64Array => this.#place(topic, topicId, partition);
    return {
      reached: (logEndOffset) => {
        const numbers = place();
        numbers[2 * partition] = Math.max(numbers[2 * partition]!, logEndOffset);
        numbers[2 * partition + 1] = 0;
      },
      doubted: (offsets) => {
        place()[2 * partition + 1]! += offsets;
      },
    };
  }

  *[Symbol.iterator](): Iterator<KnownEnd> {
    for (const [topicId, { topic, numbers }] of this.#topics) {
      for (let partition = 0; 2 * partition < numbers.length; partition++) {
        const logEndOffset = numbers[2 * partition]!;
        const inDoubt = numbers[2 * partition + 1]!;
        if (logEndOffset < 0 && inDoubt === 0) continue;
        yield { ref: { topic, topicId, partition }, logEndOffset, inDoubt };
      }
    }
  }

  /** The topic is gone. */
  forget(topicId: string): void {
    this.#topics.delete(topicId);
  }

  #place(topic: string, topicId: string, partition: number): Float64Array {
    let known = this.#topics.get(topicId);
    if (known === undefined) {
      known = { topic, numbers: new Float64Array(0) };
      this.#topics.set(topicId, known);
    }
    const { numbers } = known;
    if (numbers.length > 2 * partition) return numbers;
    known.numbers = new Float64Array(2 * (partition + 1));
    for (let at = numbers.length; at < known.numbers.length; at += 2) known.numbers[at] = -1;
    known.numbers.set(numbers);
    return known.numbers;
  }
}
