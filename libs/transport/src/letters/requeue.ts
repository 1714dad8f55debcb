import { systemClock, type Clock } from '@sluice/base';
import type {
  ConsumedRecord,
  ConsumerSettings,
  OwnedPartition,
  RecordConsumer,
  RecordProducer,
  RecordSink,
} from '@sluice/streams';
import type { StreamsDriver } from '../driver';
import { deadLetterTopicOf, requeuedLetter } from './letter';

/** Which dead letters are put back, and how. */
export interface RequeueOptions {
  /** The topic that they came from. */
  topic: string;
  /** Default: `<topic>.dlq`. */
  deadLetterTopic?: string;
  /** Those for which it is false stay where they are, and are not looked at again. */
  filter?: (letter: ConsumedRecord) => boolean;
  /** Remembers what was put back already. Default: `<dead-letter topic>.requeue`. */
  group?: string;
  /** How long it waits for letters of partitions that have none. Default: 2 s. */
  quietMs?: number;
  /**
   * How long it waits for partitions: whoever did this before may have them yet, until its session
   * is over. Default: 60 s.
   */
  ownedWithinMs?: number;
  clock?: Clock;
}

/** What became of dead letters. */
export interface RequeueResult {
  requeued: number;
  /** Left out by the filter, or no dead letters: they do not say where they came from. */
  passedOver: number;
}

const defaultQuietMs = 2_000;
const defaultOwnedWithinMs = 60_000;
const pollMs = 50;

/**
 * Writes the dead letters of a topic to it again, each once however often this is called: as they
 * were, without the story of their failure. Those that come while it is at work are left to the
 * next call, so that what fails again does not go round and round. All of them stay in the
 * dead-letter topic for as long as its retention says. A letter that cannot be written ends it; the
 * next call goes on there.
 *
 * @throws SendError when a letter cannot be written; Error when it was given no partition in time,
 *   so that it does not know whether there are letters
 */
export async function requeueDeadLetters(
  driver: Pick<StreamsDriver, 'createConsumer' | 'createProducer' | 'partitionsOf'>,
  options: RequeueOptions,
): Promise<RequeueResult> {
  const { topic, deadLetterTopic = deadLetterTopicOf(topic) } = options;
  const { group = `${deadLetterTopic}.requeue`, clock = systemClock } = options;
  if ((await driver.partitionsOf?.(deadLetterTopic)) === 0) return { requeued: 0, passedOver: 0 };
  const producer = driver.createProducer();
  const requeue = new Requeue(producer, options.filter ?? (() => true), clock);
  const settings: ConsumerSettings = { group, topics: [deadLetterTopic], startFrom: 'start' };
  const consumer = driver.createConsumer(settings, requeue);
  requeue.consumer = consumer;
  try {
    await consumer.start();
    await requeue.owned(deadLetterTopic, options.ownedWithinMs ?? defaultOwnedWithinMs);
    await requeue.caughtUp(options.quietMs ?? defaultQuietMs);
  } finally {
    await consumer.close();
    await producer.close();
  }
  requeue.throwFailure();
  return requeue.result;
}

/** Puts letters back, of each partition no further than to what its end was at the beginning. */
class Requeue implements RecordSink {
  readonly result: RequeueResult = { requeued: 0, passedOver: 0 };
  #failure: Error | null = null;
  #line: Promise<void> = Promise.resolve();
  #lastMs: number;
  /** The first offset of a partition that is left alone: what is written meanwhile fails again. */
  readonly #ends = new Map<number, number>();
  readonly #finished = new Set<number>();
  consumer: Pick<RecordConsumer, 'health' | 'pause'> | null = null;

  constructor(
    private readonly producer: RecordProducer,
    private readonly filter: (letter: ConsumedRecord) => boolean,
    private readonly clock: Clock,
  ) {
    this.#lastMs = clock.monotonicMs();
  }

  take(partition: OwnedPartition, letters: readonly ConsumedRecord[]): void {
    this.#lastMs = this.clock.monotonicMs();
    const end = this.#endOf(partition, letters);
    const left = letters.filter(({ offset }) => offset >= end);
    if (left.length > 0) this.#finish(partition);
    for (const letter of letters) {
      if (letter.offset >= end) partition.release(letter.offset);
      else this.#line = this.#line.then(() => this.#putBack(partition, letter, end));
    }
  }

  /** Resolves when it has partitions, and knows how far they go. */
  async owned(topic: string, withinMs: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + withinMs;
    while (!this.#isReading()) {
      if (this.clock.monotonicMs() >= untilMs) {
        throw new Error(
          `no partition of ${topic} was to be had within ${withinMs} ms: another member of the ` +
            `group has them, or its session is not over yet`,
        );
      }
      await this.#pause();
    }
    this.#lastMs = this.clock.monotonicMs();
  }

  /** Resolves when everything was dealt with and nothing came for a while; or one has failed. */
  async caughtUp(quietMs: number): Promise<void> {
    while (this.#failure === null) {
      const { partitions } = this.consumer!.health();
      const isDone = partitions.every(
        ({ partition, lag, inFlight }) =>
          inFlight === 0 && (lag === 0 || this.#finished.has(partition)),
      );
      // While a partition is being claimed, nobody knows its end.
      const isQuiet = this.#isReading() && this.clock.monotonicMs() - this.#lastMs >= quietMs;
      if (isDone && isQuiet) return;
      await this.#pause();
    }
  }

  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #isReading(): boolean {
    const { partitions, status } = this.consumer!.health();
    return status === 'running' && partitions.length > 0;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(pollMs, resolve));
  }

  #endOf(partition: OwnedPartition, letters: readonly ConsumedRecord[]): number {
    let end = this.#ends.get(partition.partition);
    if (end === undefined) {
      end = Math.max(letters[0]!.offset + partition.lag(), letters.at(-1)!.offset + 1);
      this.#ends.set(partition.partition, end);
    }
    return end;
  }

  #finish({ topic, partition }: OwnedPartition): void {
    this.#finished.add(partition);
    this.consumer!.pause([{ topic, partitions: [partition] }]);
  }

  async #putBack(partition: OwnedPartition, letter: ConsumedRecord, end: number): Promise<void> {
    const { offset } = letter;
    if (this.#failure !== null || partition.stopping.aborted) return partition.release(offset);
    try {
      const record = this.filter(letter) ? requeuedLetter(letter) : null;
      if (offset === end - 1) this.#finish(partition);
      if (record !== null) await this.producer.send(record);
      this.result[record === null ? 'passedOver' : 'requeued']++;
      partition.acknowledge(offset);
    } catch (error) {
      this.#failure = error as Error;
      partition.release(offset);
    }
  }
}
