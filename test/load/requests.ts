import { setTimeout as sleep } from 'node:timers/promises';
import { encodeBatch } from '@sluice/records';
import {
  CreateTopics,
  decodeResponse,
  DeleteTopics,
  encodeRequest,
  Fetch,
  Metadata,
  Produce,
  zeroUuid,
} from '@sluice/wire';
import type { RawConnection, ReplyCheck } from './raw-connection';

const clientId = 'sluice-bench';
const servedAttemptsMax = 100;
const servedPauseMs = 100;
/** The last version before flexible encoding: error codes stand at a fixed place. */
const produceVersion = 7;
const fetchVersion = 12;

/**
 * Records of about `recordBytes` of text that does not repeat, in one uncompressed batch. They are
 * young, or a gateway would trim them.
 */
export function buildBatch(
  batchBytes: number,
  recordBytes: number,
  seed: number,
  timestampMs = Date.now(),
): Buffer {
  const records = [];
  const value = (n: number) => {
    let text = '';
    for (let x = (seed * 7919 + n) >>> 0; text.length < recordBytes;) {
      x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
      text += x.toString(36);
    }
    return Buffer.from(text.slice(0, recordBytes));
  };
  // Header 61 bytes; a record without a key adds up to 11 bytes to its value.
  const count = Math.max(1, Math.floor((batchBytes - 61) / (recordBytes + 11)));
  for (let n = 0; n < count; n++) {
    records.push({ key: null, value: value(n), headers: [], timestampMs });
  }
  return encodeBatch({ records });
}

/** A whole Produce request, acks=1, that can be sent again and again. */
export function produceRequest(topic: string, partition: number, batch: Buffer): Buffer {
  return join(
    encodeRequest(
      Produce,
      produceVersion,
      { correlationId: 1, clientId },
      {
        transactionalId: null,
        acks: 1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
      },
    ),
  );
}

/** Throws when a Produce reply for one partition of this topic carries an error. */
export function checkProduced(topic: string): ReplyCheck {
  const errorAt = 4 + 4 + 2 + topic.length + 4 + 4;
  return (frame) => {
    const errorCode = frame.readInt16BE(errorAt);
    if (errorCode !== 0) throw new Error(`a produce failed with error ${errorCode}`);
  };
}

/** A Fetch request for one partition. */
export function fetchRequest(
  topic: string,
  partition: number,
  offset: number,
  bytes: number,
): Buffer {
  return join(
    encodeRequest(
      Fetch,
      fetchVersion,
      { correlationId: 1, clientId },
      {
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes: bytes,
        topics: [
          {
            topic,
            topicId: zeroUuid,
            partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: bytes }],
          },
        ],
      },
    ),
  );
}

/** The record bytes of a Fetch reply for one partition. */
export function fetchedRecords(frame: Buffer): Buffer {
  const { response } = decodeResponse(Fetch, fetchVersion, frame);
  const partition = response.responses[0]?.partitions[0];
  if (!partition || partition.errorCode !== 0 || response.errorCode !== 0) {
    throw new Error(`a fetch failed: ${response.errorCode}, ${partition?.errorCode}`);
  }
  return partition.records as Buffer;
}

/** Makes a topic and waits until it is served by this broker. */
export async function createTopic(
  connection: RawConnection,
  name: string,
  partitions: number,
): Promise<void> {
  await askForTopic(connection, name, partitions);
  await untilServed(name, Array<RawConnection>(partitions).fill(connection));
}

/** Makes a topic. A broker may answer before its partitions are led. */
export async function askForTopic(
  connection: RawConnection,
  name: string,
  partitions: number,
): Promise<void> {
  const header = { correlationId: 1, clientId };
  const topics = [
    { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] },
  ];
  const create = encodeRequest(CreateTopics, 4, header, { topics, timeoutMs: 10_000 });
  const created = decodeResponse(CreateTopics, 4, await connection.ask(join(create)));
  const errorCode = created.response.topics[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`topic ${name} was not created: error ${errorCode}`);
}

/** Waits until each partition is served, by the broker that is to lead it. */
export async function untilServed(name: string, leaders: readonly RawConnection[]): Promise<void> {
  for (let index = 0, attempt = 0; index < leaders.length; attempt++) {
    if (await isServed(leaders[index]!, name, index)) index++;
    else if (attempt === servedAttemptsMax) throw new Error(`topic ${name} is not served`);
    else await sleep(servedPauseMs);
  }
}

/** Ports of the brokers that lead a topic's partitions, once each is led. */
export async function leaderPorts(connection: RawConnection, name: string): Promise<number[]> {
  const header = { correlationId: 1, clientId };
  const request = join(encodeRequest(Metadata, 4, header, { topics: [{ name }] }));
  for (let attempt = 0; attempt <= servedAttemptsMax; attempt++) {
    const { response } = decodeResponse(Metadata, 4, await connection.ask(request));
    const portOf = new Map(response.brokers.map(({ nodeId, port }) => [nodeId, port]));
    const partitions = response.topics[0]?.partitions ?? [];
    const ports = [...partitions]
      .sort((left, right) => left.partitionIndex - right.partitionIndex)
      .map(({ leaderId }) => portOf.get(leaderId));
    if (ports.length > 0 && !ports.includes(undefined)) return ports as number[];
    await sleep(servedPauseMs);
  }
  throw new Error(`topic ${name} is not led`);
}

async function isServed(connection: RawConnection, name: string, index: number): Promise<boolean> {
  const reply = await connection.ask(fetchRequest(name, index, 0, 1));
  const { response } = decodeResponse(Fetch, fetchVersion, reply);
  return response.responses[0]?.partitions[0]?.errorCode === 0;
}

/** How many brokers the cluster has. */
export async function countBrokers(connection: RawConnection): Promise<number> {
  const header = { correlationId: 1, clientId };
  const reply = await connection.ask(join(encodeRequest(Metadata, 4, header, { topics: [] })));
  return decodeResponse(Metadata, 4, reply).response.brokers.length;
}

export async function deleteTopic(connection: RawConnection, name: string): Promise<void> {
  const header = { correlationId: 1, clientId };
  const request = { topicNames: [name], timeoutMs: 10_000 };
  const reply = await connection.ask(join(encodeRequest(DeleteTopics, 3, header, request)));
  const { errorCode } = decodeResponse(DeleteTopics, 3, reply).response.responses[0]!;
  if (errorCode !== 0) throw new Error(`topic ${name} was not deleted: error ${errorCode}`);
}

function join(chunks: Buffer[]): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
