import { encodeBatch } from '@sluice/records';
import { ErrorCode, errorInfo, InitProducerId, Produce } from '@sluice/wire';
import type { Outcome, Send } from '../history/operation';
import { ClusterClient, type Peer } from './cluster-client';
import { retryPauseMs, type ClientContext } from './context';
import { LoopingClient } from './looping-client';
import { ValueMaker, type ValuesToSend } from './values';

/** How a raw producer sends. */
export interface ProducerPlan {
  idempotent: boolean;
  acks: 1 | -1;
}

interface ProducerState {
  id: number;
  epoch: number;
  /** By partition, the sequence of its next record. */
  sequences: Map<number, number>;
}

interface Attempt {
  outcome: Outcome;
  offset: number | null;
  gateway: string | null;
  why?: string;
  /** The producer id is of no more use. */
  isFenced?: boolean;
}

/** How long a batch is repeated before its producer gives it up. */
const giveUpMs = 30_000;
const timeoutMs = 5_000;

/** By these answers it is certain that the request did nothing. */
const refusals = new Set<number>([
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
]);
/** These are about the producer id, which is to be replaced. */
const fences = new Set<number>([
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.DUPLICATE_SEQUENCE_NUMBER,
]);

/**
 * Sends by our own wire library, one batch at a time. An idempotent one repeats a batch with its
 * sequence until it is acknowledged; a plain one sends each batch once, whatever becomes of it.
 */
export class RawProducer extends LoopingClient {
  readonly #cluster: ClusterClient;
  readonly #values: ValueMaker;
  #state: ProducerState | null = null;

  constructor(
    name: string,
    private readonly plan: ProducerPlan,
    private readonly context: ClientContext,
  ) {
    super(name);
    this.#cluster = new ClusterClient(context, name);
    this.#values = new ValueMaker(name, context);
  }

  protected async run(): Promise<void> {
    const { random, partitions, writing } = this.context;
    while (!this.isStopping) {
      const send = await this.#send(random.below(partitions), this.#values.next());
      this.context.history.add(send);
      const isDone = send.outcome === 'done';
      await this.pause(isDone ? random.between(0, writing.pauseMsMax) : retryPauseMs);
    }
    await this.#cluster.close();
  }

  async #send(partition: number, values: ValuesToSend): Promise<Send> {
    const { history } = this.context;
    const begunMs = history.now();
    let attempts = 0;
    let isUnknown = false;
    let last: Attempt;
    do {
      if (attempts > 0) await this.pause(retryPauseMs);
      attempts++;
      last = await this.#attempt(partition, values);
      isUnknown ||= last.outcome === 'unknown';
    } while (this.#goesOn(last, begunMs, isUnknown));
    const isDone = last.outcome === 'done';
    if (!isDone) this.#state = null;
    else this.#advance(partition, values.ids.length);
    return {
      kind: 'send',
      client: 'raw',
      process: this.name,
      begunMs,
      endedMs: history.now(),
      partition,
      values: values.ids,
      ...this.plan,
      attempts,
      offset: last.offset,
      gateway: last.gateway,
      outcome: isDone ? 'done' : isUnknown ? 'unknown' : 'refused',
      ...(isDone ? {} : { why: last.why }),
    };
  }

  #goesOn({ outcome, isFenced }: Attempt, begunMs: number, isUnknown: boolean): boolean {
    if (outcome === 'done' || isFenced || !this.plan.idempotent) return false;
    // What was never sent in earnest need not be brought to its end.
    if (this.isStopping && !isUnknown) return false;
    return this.context.history.now() - begunMs < giveUpMs;
  }

  async #attempt(partition: number, values: ValuesToSend): Promise<Attempt> {
    let peer: Peer;
    let bytes: Buffer;
    try {
      if (this.plan.idempotent) this.#state ??= await this.#newState();
      bytes = this.#encode(partition, values);
      peer = await this.#cluster.leader(partition);
    } catch (error) {
      // Nothing was sent.
      this.#cluster.forget();
      return { outcome: 'refused', offset: null, gateway: null, why: (error as Error).message };
    }
    return this.#sendTo(peer, partition, bytes);
  }

  async #sendTo(peer: Peer, partition: number, records: Buffer): Promise<Attempt> {
    const { client, gateway } = peer;
    const topicData = [
      { name: this.context.topic, partitionData: [{ index: partition, records }] },
    ];
    try {
      const asked = { acks: this.plan.acks, timeoutMs, topicData };
      const reply = await client.send(Produce, 9, asked);
      const { errorCode, baseOffset } = reply.responses[0]!.partitionResponses[0]!;
      if (errorCode === ErrorCode.NONE) return { outcome: 'done', offset: baseOffset, gateway };
      this.#cluster.forget();
      const outcome = refusals.has(errorCode) ? 'refused' : 'unknown';
      const why = errorInfo(errorCode).name;
      return { outcome, offset: null, gateway, why, isFenced: fences.has(errorCode) };
    } catch (error) {
      this.#cluster.drop(peer);
      return { outcome: 'unknown', offset: null, gateway, why: (error as Error).message };
    }
  }

  async #newState(): Promise<ProducerState> {
    const { client } = await this.#cluster.leader(0);
    const asked = { transactionalId: null, transactionTimeoutMs: timeoutMs };
    const reply = await client.send(InitProducerId, 4, asked);
    const { errorCode, producerId, producerEpoch } = reply;
    if (errorCode !== ErrorCode.NONE) throw new Error(`InitProducerId: error ${errorCode}`);
    return { id: producerId, epoch: producerEpoch, sequences: new Map() };
  }

  #advance(partition: number, count: number): void {
    const sequences = this.#state?.sequences;
    sequences?.set(partition, (sequences.get(partition) ?? 0) + count);
  }

  #encode(partition: number, { ids, padding }: ValuesToSend): Buffer {
    const timestampMs = Date.now();
    const state = this.#state;
    return encodeBatch({
      records: ids.map((id) => ({ timestampMs, key: Buffer.from(id), value: padding })),
      producerId: state?.id ?? -1,
      producerEpoch: state?.epoch ?? -1,
      baseSequence: state === null ? -1 : (state.sequences.get(partition) ?? 0),
    });
  }
}
