import { decodeBatch, encodeBatch } from '@sluice/records';
import {
  decodeRequest,
  encodeResponse,
  ErrorCode,
  Produce,
  readRequestHeader,
  type RequestOf,
} from '@sluice/wire';
import { askRedis } from '../../support/ask-redis';
import { RawClient } from '../../support/raw-client';
import { FaultProxy } from '../network/fault-proxy';
import type { SetUp } from '../set-ups/set-up';

/** Of each producer so many requests are left alone, and then so many are harmed. */
const sparedRequests = 3;
const harmedRequests = 2;
const sizeBytes = 4;
/** Far from all that is really given out. */
const inventedOffset = 1_000_000;

interface ProduceFrame {
  version: number;
  correlationId: number;
  clientId: string | null;
  request: RequestOf<typeof Produce>;
}

type Harm = (frame: ProduceFrame, port: number, setUp: SetUp) => Buffer | 'passes';

/** By producer, what happens to some of its requests; a buffer is the answer in its place. */
const harms: Readonly<Record<string, Harm>> = {
  // An acknowledgement of what was never written.
  'raw-plain-1': (frame) => reply(frame, ErrorCode.NONE, inventedOffset + frame.correlationId),
  // A refusal of what was written.
  'raw-plain-2': (frame, port) => {
    void write(port, frame);
    return reply(frame, ErrorCode.KAFKA_STORAGE_ERROR, -1);
  },
  // A batch of an idempotent producer that is written twice.
  'raw-idempotent-1': (frame, port) => {
    void write(port, frame);
    return 'passes';
  },
  // An entry that Redis loses, though it was acknowledged and read.
  'raw-idempotent-2': (_, __, setUp) => {
    void loseOne(setUp);
    return 'passes';
  },
};

/** Makes a set-up do what a broken gateway and a broken Redis would do. */
export function sabotage(setUp: SetUp): void {
  const { clientLine, address } = setUp.gateways[0]!.place;
  if (!(clientLine instanceof FaultProxy)) throw new Error('this is for a network of proxies');
  const counts = new Map<string, number>();
  clientLine.tamper((bytes, answer) => {
    const frame = produceFrame(bytes);
    const harm = harms[frame?.clientId ?? ''];
    if (frame === null || harm === undefined) return bytes;
    const count = (counts.get(frame.clientId!) ?? 0) + 1;
    counts.set(frame.clientId!, count);
    if (count <= sparedRequests || count > sparedRequests + harmedRequests) return bytes;
    const result = harm(frame, address.port, setUp);
    if (result === 'passes') return bytes;
    answer(result);
    return null;
  });
}

/** A request that came in one piece and is a Produce request; null for anything else. */
function produceFrame(bytes: Buffer): ProduceFrame | null {
  const isWhole = bytes.length > sizeBytes && bytes.length === sizeBytes + bytes.readInt32BE(0);
  if (!isWhole) return null;
  const frame = bytes.subarray(sizeBytes);
  const { apiKey, apiVersion: version, correlationId, clientId, bodyAt } = readRequestHeader(frame);
  if (apiKey !== Produce.key) return null;
  const request = decodeRequest(Produce, version, frame, bodyAt);
  return { version, correlationId, clientId, request };
}

function reply(frame: ProduceFrame, errorCode: number, baseOffset: number): Buffer {
  const { request, version, correlationId } = frame;
  const responses = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset })),
  }));
  return Buffer.concat(encodeResponse(Produce, version, correlationId, { responses }));
}

/** Writes the records of a request, as nobody's who could be told from others. */
async function write(port: number, { request }: ProduceFrame): Promise<void> {
  const topicData = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionData: partitionData.map(({ index, records }) => ({
      index,
      records: encodeBatch({ records: decodeBatch(Buffer.concat([records ?? []].flat())) }),
    })),
  }));
  const client = await RawClient.connect(port);
  await client.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
  await client.close();
}

/** Deletes the second batch of each partition. */
async function loseOne({ redis }: SetUp): Promise<void> {
  if (redis.kind !== 'alone') throw new Error('this is for one server');
  const script = [
    "for _, key in ipairs(redis.call('KEYS', '*:log')) do",
    "local second = redis.call('XRANGE', key, '-', '+', 'COUNT', 2)[2]",
    "if second then redis.call('XDEL', key, second[1]) end",
    "end return 'done'",
  ];
  await askRedis(redis.server.peer, `EVAL "${script.join(' ')}" 0`);
}
