import type { SeededRandom } from '../seeded-random';
import type { ClientContext } from './context';

const recordsMax = 4;
const smallBytesMax = 200;
/** Batches that are on average this large go past Lua, and so another way through the gateway. */
const largeBytes = 20 * 1024;

/** Records to send: each key is a value of the history, and used once. */
export interface ValuesToSend {
  /** What the history calls the values. */
  ids: string[];
  /** Bytes that go with each of them. */
  padding: Buffer;
}

/** Makes the records of a process' next batches. */
export class ValueMaker {
  #count = 0;
  readonly #random: SeededRandom;
  readonly #largeShare: number;

  constructor(
    private readonly process: string,
    { random, writing }: Pick<ClientContext, 'random' | 'writing'>,
  ) {
    this.#random = random.fork();
    this.#largeShare = writing.largeShare;
  }

  next(): ValuesToSend {
    const batch = ++this.#count;
    const count = 1 + this.#random.below(recordsMax);
    const isLarge = this.#random.happens(this.#largeShare);
    const bytes = isLarge ? largeBytes : this.#random.below(smallBytesMax);
    const ids = Array.from({ length: count }, (_, i) => `${this.process}/${batch}.${i}`);
    return { ids, padding: Buffer.alloc(bytes, 'x') };
  }
}
