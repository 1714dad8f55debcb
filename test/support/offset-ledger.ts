import { batchSizeAt, decodeBatch, encodeBatch, isControl, readBatchHeader } from '@sluice/records';
import { CreateTopics, ErrorCode, Fetch, Produce } from '@sluice/wire';
import { eventually } from './eventually';
import { RawClient } from './raw-client';

const topic = 'orders';

/** A record as a consumer has it. */
export interface Kept {
  offset: number;
  value: string;
}

/**
 * Writes to and reads from the one partition of a topic, over any number of gateways one after the
 * other, and remembers which record was ever seen at which offset.
 */
export class OffsetLedger {
  readonly #values = new Map<number, string>();

  /** One past the largest offset at which a record was ever seen. */
  get end(): number {
    return Math.max(-1, ...this.#values.keys()) + 1;
  }

  async createTopic(port: number): Promise<void> {
    const topics = [{ name: topic, numPartitions: 1, replicationFactor: 1 }];
    await using(port, (client) => client.send(CreateTopics, 7, { topics }));
  }

  /** Appends records one by one until each is acknowledged; returns their offsets. */
  async produce(port: number, values: readonly string[]): Promise<number[]> {
    const offsets: number[] = [];
    for (const value of values) {
      const offset = await eventually(() => using(port, (client) => produceOne(client, value)), {
        what: `the acknowledgement of ${value}`,
      });
      offsets.push(offset - 1);
      this.#note(offset - 1, value);
    }
    return offsets;
  }

  /** Reads from an offset up to the end, as a consumer does that stands there. */
  async readFrom(port: number, offset: number): Promise<Kept[]> {
    return using(port, async (client) => {
      const all: Kept[] = [];
      for (let next = offset; ;) {
        const read = await fetchOnce(client, next);
        all.push(...read.records);
        if (read.next === next) break;
        next = read.next;
      }
      for (const { offset: at, value } of all) this.#note(at, value);
      return all;
    });
  }

  #note(offset: number, value: string): void {
    const known = this.#values.get(offset) ?? value;
    this.#values.set(offset, known);
    if (known !== value) throw new Error(`offset ${offset} was ${known} and is now ${value}`);
  }
}

async function using<T>(port: number, use: (client: RawClient) => Promise<T>): Promise<T> {
  const client = await RawClient.connect(port);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** The offset plus one, so that it is true; null where it is to be tried again. */
async function produceOne(client: RawClient, value: string): Promise<number | null> {
  const records = encodeBatch({ records: [{ timestampMs: 1, value: Buffer.from(value) }] });
  const partitionData = [{ index: 0, records }];
  const asked = { acks: 1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] };
  const reply = await client.send(Produce, 7, asked);
  const { errorCode, baseOffset } = reply.responses[0]!.partitionResponses[0]!;
  return errorCode === ErrorCode.NONE ? baseOffset + 1 : null;
}

async function fetchOnce(
  client: RawClient,
  fetchOffset: number,
): Promise<{ records: Kept[]; next: number }> {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1024 * 1024 }];
  const asked = { maxWaitMs: 100, minBytes: 1, maxBytes: 1024 * 1024 };
  const reply = await client.send(Fetch, 11, { ...asked, topics: [{ topic, partitions }] });
  const { errorCode, records } = reply.responses[0]!.partitions[0]!;
  if (errorCode !== ErrorCode.NONE) throw new Error(`fetch from ${fetchOffset}: ${errorCode}`);
  const bytes = Buffer.concat([records ?? []].flat());
  const kept: Kept[] = [];
  let next = fetchOffset;
  for (let at = 0; at < bytes.length;) {
    const batch = bytes.subarray(at, at + batchSizeAt(bytes, at));
    const { attributes, baseOffset, lastOffsetDelta } = readBatchHeader(batch);
    next = baseOffset + lastOffsetDelta + 1;
    at += batch.length;
    if (isControl(attributes)) continue;
    for (const record of decodeBatch(batch)) {
      if (record.offset < fetchOffset) continue;
      kept.push({ offset: record.offset, value: String(record.value) });
    }
  }
  return { records: kept, next };
}
