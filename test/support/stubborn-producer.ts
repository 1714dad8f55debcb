import { encodeBatch } from '@sluice/records';
import { ErrorCode, InitProducerId, Produce } from '@sluice/wire';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from './raw-client';

const inFlightMax = 5;
const retryPauseMs = 20;

/** A batch that was acknowledged. */
export interface Acknowledged {
  baseOffset: number;
  values: string[];
}

interface Sent {
  values: string[];
  sequence: number;
  bytes: Buffer;
}

/** What a producer of the trouble tests writes, and how. */
export interface ProducerPlan {
  name: string;
  topic: string;
  partition: number;
  idempotent: boolean;
  acks: 1 | -1;
  batches: number;
  /** Bytes of each record's value in the n-th batch. */
  valueBytes: (n: number) => number;
  recordsPerBatch: number;
}

/**
 * Writes until all its batches are acknowledged, whatever happens to the requests: an idempotent
 * one with five in flight once it is known, which sends all again from the first that failed, and a
 * plain one with one in flight.
 */
export class StubbornProducer {
  readonly acknowledged: Acknowledged[] = [];
  #client: RawClient | null = null;
  #producerId = -1;

  constructor(
    private readonly port: number,
    readonly plan: ProducerPlan,
  ) {}

  async run(): Promise<void> {
    const { idempotent, batches } = this.plan;
    if (idempotent) this.#producerId = await this.#takeProducerId();
    const waiting = Array.from({ length: batches }, (_, n) => this.#make(n));
    while (waiting.length > 0) {
      // The first batch goes alone: as in Kafka, a producer that is not known may begin with any
      // sequence, so of several the first could be lost and the next ones be taken (decision 30).
      const isKnown = this.acknowledged.length > 0;
      const atOnce = idempotent && isKnown ? inFlightMax : 1;
      const done = await this.#sendSome(waiting.slice(0, atOnce));
      waiting.splice(0, done);
      if (done === 0) await sleep(retryPauseMs);
    }
    await this.#client?.close();
  }

  /** Sends batches at once; returns how many of them, from the first on, were acknowledged. */
  async #sendSome(batches: readonly Sent[]): Promise<number> {
    let client: RawClient;
    try {
      client = this.#client ??= await RawClient.connect(this.port);
    } catch {
      return 0;
    }
    const replies = await Promise.all(batches.map((batch) => this.#send(client, batch)));
    const failed = replies.indexOf(null);
    const count = failed === -1 ? replies.length : failed;
    for (let i = 0; i < count; i++) {
      this.acknowledged.push({ baseOffset: replies[i]!, values: batches[i]!.values });
    }
    return count;
  }

  async #send(client: RawClient, { bytes }: Sent): Promise<number | null> {
    const { topic, partition, acks } = this.plan;
    const partitionData = [{ index: partition, records: bytes }];
    const topicData = [{ name: topic, partitionData }];
    try {
      const reply = await client.send(Produce, 9, { acks, timeoutMs: 10_000, topicData });
      const { errorCode, baseOffset } = reply.responses[0]!.partitionResponses[0]!;
      if (errorCode === ErrorCode.NONE) return baseOffset;
    } catch {
      if (this.#client === client) this.#client = null;
    }
    return null;
  }

  async #takeProducerId(): Promise<number> {
    for (;;) {
      try {
        this.#client ??= await RawClient.connect(this.port);
        const request = { transactionalId: null, transactionTimeoutMs: 1_000 };
        const reply = await this.#client.send(InitProducerId, 4, request);
        if (reply.errorCode === ErrorCode.NONE) return reply.producerId;
      } catch {
        this.#client = null;
      }
      await sleep(retryPauseMs);
    }
  }

  #make(n: number): Sent {
    const { name, recordsPerBatch, valueBytes } = this.plan;
    const values = Array.from({ length: recordsPerBatch }, (_, i) => `${name}/${n}/${i}`);
    const padding = 'x'.repeat(valueBytes(n));
    const sequence = n * recordsPerBatch;
    const bytes = encodeBatch({
      records: values.map((value) => ({
        key: Buffer.from(value),
        value: Buffer.from(padding),
        timestampMs: Date.now(),
      })),
      producerId: this.#producerId,
      producerEpoch: this.#producerId < 0 ? -1 : 0,
      baseSequence: this.#producerId < 0 ? -1 : sequence,
    });
    return { values, sequence, bytes };
  }
}
