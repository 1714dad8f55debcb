import { setTimeout as sleep } from 'node:timers/promises';
import type { Send } from '../history/operation';
import { retryPauseMs, type ClientContext } from './context';
import { LoopingClient } from './looping-client';
import type { ProducerPlan } from './raw-producer';
import { ValueMaker, type ValuesToSend } from './values';

/** A producer of a client library, which repeats by itself what it can. */
export interface LibraryProducer {
  /** Sends one batch; returns the offset of its first record. */
  send(partition: number, values: ValuesToSend): Promise<number>;
  close(): Promise<void>;
}

/** How long a library may take to end a producer; what it still holds then ends with the run. */
const closeMsMax = 10_000;

/**
 * Sends with a client library, one batch at a time. After a failure nobody knows what became of the
 * batch, nor what the library thinks of its sequence, so a new producer goes on.
 */
export class LibraryProducerLoop extends LoopingClient {
  readonly #values: ValueMaker;
  #producer: LibraryProducer | null = null;

  /** @param make connects a producer, or throws */
  constructor(
    name: string,
    private readonly client: Send['client'],
    private readonly plan: ProducerPlan,
    private readonly context: ClientContext,
    private readonly make: () => Promise<LibraryProducer>,
  ) {
    super(name);
    this.#values = new ValueMaker(name, context);
  }

  protected async run(): Promise<void> {
    const { random, partitions, writing } = this.context;
    while (!this.isStopping) {
      if (await this.#connect()) await this.#send(random.below(partitions), this.#values.next());
      await this.pause(
        this.#producer === null ? retryPauseMs : random.between(0, writing.pauseMsMax),
      );
    }
    await this.#end();
  }

  async #connect(): Promise<boolean> {
    try {
      this.#producer ??= await this.make();
      return true;
    } catch {
      return false;
    }
  }

  async #send(partition: number, values: ValuesToSend): Promise<void> {
    const { history } = this.context;
    const begunMs = history.now();
    const result: Pick<Send, 'outcome' | 'offset' | 'why'> = { outcome: 'done', offset: null };
    try {
      result.offset = await this.#producer!.send(partition, values);
    } catch (error) {
      result.outcome = 'unknown';
      result.why = (error as Error).message;
      await this.#end();
    }
    history.add({
      kind: 'send',
      client: this.client,
      process: this.name,
      begunMs,
      endedMs: history.now(),
      partition,
      values: values.ids,
      ...this.plan,
      attempts: null,
      gateway: null,
      ...result,
    });
  }

  async #end(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    const closed = producer?.close().catch(() => undefined);
    await Promise.race([closed, sleep(closeMsMax, undefined, { ref: false })]);
  }
}
