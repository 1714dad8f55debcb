import { limits } from '../limits';
import { browse, type BrowsedPage, type BrowseRequest } from './browse';
import { DoorRefusal } from './door-refusal';
import type { DoorServices } from './door-services';
import type { ProduceRequest } from './given-records';
import { produceRecords, type Produced } from './produce-records';
import { Tail, type TailEnd, type TailReader, type TailRequest } from './tail';

/** A tail that may begin. */
export interface OpenTail {
  /** Tells records until there is a reason to end, and then that. Never rejects for Redis' sake. */
  run(): Promise<void>;
}

/**
 * Records for who speaks no Kafka: browsed page by page, produced, and tailed. It stands on the
 * same floor as the handlers of Kafka's requests: what they check is checked, what they wait for is
 * waited for, and nothing is done here that they could not do.
 */
export class RecordsDoor {
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #browsing = 0;
  #tailing = 0;
  #keyless = 0;

  constructor(private readonly services: DoorServices) {}

  /** Tails that are followed now. */
  get tailCount(): number {
    return this.#tailing;
  }

  /**
   * One page of records.
   *
   * @param signal aborted when nobody waits for it any more
   * @throws DoorRefusal; RedisUnavailable | UnknownOutcome when Redis is needed and away
   */
  async browse(request: BrowseRequest, signal: AbortSignal): Promise<BrowsedPage> {
    if (this.#browsing >= limits.browsesAtOnceMax) {
      const message = `${limits.browsesAtOnceMax} pages are being browsed; ask again soon`;
      throw new DoorRefusal('too-many', 'browse-busy', message);
    }
    this.#browsing++;
    try {
      const ending = AbortSignal.any([signal, this.#stopping.signal]);
      return await browse(this.services, request, ending);
    } finally {
      this.#browsing--;
    }
  }

  /** Produces records; see `produceRecords`. */
  produce(request: ProduceRequest): Promise<Produced> {
    return produceRecords(this.services, request, this.#keyless++);
  }

  /**
   * A tail from where the request says. Of the reader's signal: aborted when it is gone.
   *
   * @throws as `browse`, where it cannot begin
   */
  async tail(request: TailRequest, reader: TailReader, signal: AbortSignal): Promise<OpenTail> {
    if (this.#tailing >= limits.tailsMax) {
      const message = `${limits.tailsMax} readers are tailing; end one of them, or come back later`;
      throw new DoorRefusal('too-many', 'tails-busy', message);
    }
    this.#tailing++;
    let isCounted = true;
    const leave = () => {
      if (isCounted) this.#tailing--;
      isCounted = false;
    };
    try {
      const ending = AbortSignal.any([signal, this.#stopping.signal]);
      const tail = new Tail(this.services, request, reader, ending);
      await tail.open();
      return { run: () => this.#follow(tail, reader, leave) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Ends all tails, each with a word of why; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#running);
  }

  async #follow(tail: Tail, reader: TailReader, leave: () => void): Promise<void> {
    const running = tail.follow();
    this.#running.add(running);
    try {
      const reason: TailEnd = await running;
      reader.send({ event: 'end', data: { reason } });
    } finally {
      this.#running.delete(running);
      leave();
    }
  }
}
