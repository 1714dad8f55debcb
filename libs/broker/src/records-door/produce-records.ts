import { resolveConfigs, type NotedRequest, type Topic } from '@sluice/log';
import { recordBytesMost, RecordsError, readBatchHeader } from '@sluice/records';
import { ErrorCode, errorInfo } from '@sluice/wire';
import { limits } from '../limits';
import { refusalOf, refusedReply, type PartitionReply } from '../produce/partition-reply';
import { produceToPartition } from '../produce/produce-to-partition';
import type { RequestContext } from '../requests/context';
import { unknownPartition, unknownTopic } from './browse';
import { DoorRefusal, invalid } from './door-refusal';
import type { DoorServices } from './door-services';
import { fingerprintOf, takeRecords } from './given-records';
import type { ProduceRequest, TakenRecord } from './given-records';
import { encodePlanned, planAsNoted, planBatches, spread, type PlannedBatch } from './produce-plan';

/** Why a record is not stored, or may be. */
export interface RecordError {
  /** Kafka's name for it, as MESSAGE_TOO_LARGE. */
  code: string;
  message: string;
  /** The same record may be taken when it is sent again. */
  retriable: boolean;
}

/** What became of one record. */
export type ProducedRecord = { partition: number } & (
  { offset: number; timestampMs: number } | { error: RecordError }
);

/** What became of a request. */
export interface Produced {
  /** One for each record of the request, in its order; null with acks `none`: nobody knows. */
  records: ProducedRecord[] | null;
  /** The answer was noted for an earlier request with the same Idempotency-Key. */
  replayed: boolean;
}

/** What became of one batch, as it is noted for requests that may come again. */
type BatchOutcome =
  | { baseOffset: number; appendedAtMs: number }
  | { error: RecordError; faults: [index: number, message: string][] };

/** What a request is about, once it is known to be sound. */
interface Sound {
  request: ProduceRequest;
  topic: Topic;
  records: TakenRecord[];
  /** For the records without a key. */
  keylessPartition: number;
}

const acksCodes = { none: 0, leader: 1, all: -1 } as const;
/** The newest version whose rules the Produce handler keeps. */
const produceVersion = 11;

/**
 * Produces records just as a Produce request does: the same checks, the same line of appends, the
 * same acknowledgements.
 *
 * @param keyless a number that differs from call to call, to spread records without a key
 * @throws DoorRefusal where nothing was begun; RedisUnavailable | UnknownOutcome where a request
 *   with an Idempotency-Key could not be noted, which the client may send again
 */
export async function produceRecords(
  services: DoorServices,
  request: ProduceRequest,
  keyless: number,
): Promise<Produced> {
  const records = takeRecords(request.records);
  const bytes = records.reduce((sum, record) => sum + recordBytesMost(record), 0);
  if (!services.produceBudget.tryReserve(bytes)) {
    const message = 'too much is being produced over HTTP at the moment; send it again soon';
    throw new DoorRefusal('too-many', 'produce-busy', message);
  }
  const underWay: Promise<unknown>[] = [];
  try {
    const topic = services.catalog.byName(request.topic);
    if (topic === undefined) throw unknownTopic(request.topic);
    const sound = { request, topic, records, keylessPartition: keyless % topic.partitions };
    if (request.idempotencyKey === undefined) return await produceOnce(services, sound, underWay);
    return await produceNoted(services, sound, request.idempotencyKey);
  } finally {
    void Promise.allSettled(underWay).then(() => services.produceBudget.release(bytes));
  }
}

/** @param underWay takes what is not waited for */
async function produceOnce(
  services: DoorServices,
  sound: Sound,
  underWay: Promise<unknown>[],
): Promise<Produced> {
  const { topic, records, keylessPartition } = sound;
  const spreading = { partitions: topic.partitions, keylessPartition };
  const partitions = spread(records, spreading);
  checkPartitions(topic, partitions);
  const batches = planBatches(records, partitions, resolveConfigs(topic).maxMessageBytes);
  const timestampMs = services.clock.nowMs();
  const outcomes = produceBatches(services, sound, topic, batches, timestampMs);
  // Nobody waits for them, as with a Kafka client; what fails is told by the log alone.
  if (sound.request.acks === 'none') {
    underWay.push(outcomes);
    return { records: null, replayed: false };
  }
  const told = tell(batches, await outcomes, records, timestampMs);
  return { records: told, replayed: false };
}

async function produceNoted(services: DoorServices, sound: Sound, key: string): Promise<Produced> {
  const { request, records } = sound;
  if (key === '' || key.length > limits.idempotencyKeyCharactersMax) {
    const message = `an Idempotency-Key has 1 to ${limits.idempotencyKeyCharactersMax} characters`;
    throw invalid('idempotency-key-invalid', message);
  }
  if (request.acks === 'none') {
    throw invalid('acks-invalid', 'an Idempotency-Key needs acks that tell what became of it');
  }
  const mine = await noteOf(services, sound);
  const noted = await services.idempotency.claim(key, mine);
  if (noted === null) {
    const message = 'too many requests with an Idempotency-Key of late; send it again in a minute';
    throw new DoorRefusal('too-many', 'idempotency-full', message);
  }
  if (noted.fingerprint !== mine.fingerprint) {
    const message = 'this Idempotency-Key was used for another request; take a new one';
    throw new DoorRefusal('mismatch', 'idempotency-key-reused', message);
  }
  const batches = planAsNoted(spread(records, noted), noted.batches);
  const { timestampMs } = noted;
  if (noted.answer !== null) {
    const outcomes = noted.answer as BatchOutcome[];
    return { records: tell(batches, outcomes, records, timestampMs), replayed: true };
  }
  const topic = services.catalog.byId(noted.topicId);
  if (topic === undefined) {
    const message = `${noted.topic} was deleted after this request first came; take a new key`;
    throw new DoorRefusal('conflict', 'topic-deleted', message);
  }
  const found = await produceBatches(services, sound, topic, batches, timestampMs);
  const judged = await Promise.all(
    found.map((outcome, at) => orWritten(services, topic, batches[at]!, outcome)),
  );
  const outcomes = await completed(services, key, noted, judged);
  return { records: tell(batches, outcomes, records, timestampMs), replayed: false };
}

/**
 * A batch that is refused may have been written when the request came before, and the topic takes
 * such ones no longer. Each batch has a producer id of its own, by which the log knows it.
 */
async function orWritten(
  { partitions }: DoorServices,
  topic: Topic,
  { partition, producerId }: PlannedBatch,
  outcome: BatchOutcome,
): Promise<BatchOutcome> {
  if (!isFinal(outcome) || !('error' in outcome)) return outcome;
  const { store } = partitions;
  const ref = { topic: topic.name, topicId: topic.id, partition };
  const baseOffset = await store.lastBatchOf(ref, producerId);
  if (baseOffset === null) return outcome;
  if (resolveConfigs(topic).timestampType !== 'LogAppendTime') {
    return { baseOffset, appendedAtMs: -1 };
  }
  const [batch] = await store.read(ref, baseOffset, { entries: 1 });
  const isThere = batch?.baseOffset === baseOffset;
  return { baseOffset, appendedAtMs: isThere ? readBatchHeader(batch.bytes).maxTimestampMs : -1 };
}

/** What is to be noted of a request that comes for the first time. */
async function noteOf(services: DoorServices, sound: Sound): Promise<NotedRequest> {
  const { request, topic, records, keylessPartition } = sound;
  const { partitions } = topic;
  const places = spread(records, { partitions, keylessPartition });
  checkPartitions(topic, places);
  const planned = planBatches(records, places, resolveConfigs(topic).maxMessageBytes);
  const batches = [];
  for (const { partition, indexes } of planned) {
    const producerId = await services.producerIds.next();
    batches.push({ partition, records: indexes.length, producerId });
  }
  return {
    fingerprint: fingerprintOf(request, records),
    topic: topic.name,
    topicId: topic.id,
    partitions,
    keylessPartition,
    timestampMs: services.clock.nowMs(),
    batches,
    answer: null,
  };
}

/**
 * Notes what came of a request where that is final. Where it cannot be noted, the client is told
 * all the same: were it to ask again, the log knows the batches.
 */
async function completed(
  services: DoorServices,
  key: string,
  noted: NotedRequest,
  outcomes: BatchOutcome[],
): Promise<BatchOutcome[]> {
  if (!outcomes.every(isFinal)) return outcomes;
  try {
    return (await services.idempotency.complete(key, noted, outcomes)) as BatchOutcome[];
  } catch (error) {
    const { message } = error as Error;
    services.log.debug('the answer to an idempotent request is not noted', { error: message });
    return outcomes;
  }
}

/** False where the same request may have another outcome later. */
function isFinal(outcome: BatchOutcome): boolean {
  if (!('error' in outcome)) return true;
  const { retriable, code } = outcome.error;
  return !retriable && code !== errorInfo(ErrorCode.UNKNOWN_SERVER_ERROR).name;
}

function checkPartitions(topic: Topic, partitions: readonly number[]): void {
  const wrong = partitions.find((partition) => partition >= topic.partitions);
  if (wrong !== undefined) throw unknownPartition(topic, wrong);
}

function produceBatches(
  services: DoorServices,
  { request, records }: Sound,
  topic: Topic,
  batches: readonly PlannedBatch[],
  timestampMs: number,
): Promise<BatchOutcome[]> {
  const { compression, acks } = request;
  const context = contextOf(services);
  const examineUntilMs = services.clock.monotonicMs() + limits.examineMsMax;
  const takers: ((outcome: BatchOutcome) => void)[] = [];
  const moved = new Set<number>();
  const told = (place: number, reply: PartitionReply) => {
    const isMoved = reply.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER && !moved.has(place);
    if (!isMoved) return takers[place]!(outcomeOf(reply));
    // It was led here until now. This door needs no leader, and nothing was written.
    moved.add(place);
    begin(place);
  };
  const terms = { context, acks: acksCodes[acks], needsLeader: false, examineUntilMs };
  const produced = { ...terms, told };
  const begin = (place: number): void => {
    const batch = batches[place]!;
    const index = batch.partition;
    let bytes: Buffer;
    try {
      bytes = encodePlanned(batch, records, { timestampMs, compression });
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error;
      return told(place, refusedReply(index, refusalOf(error)));
    }
    // Where it was begun once more the topic may be gone, whose log would still take it.
    const known = services.catalog.byId(topic.id);
    produceToPartition(produced, place, known, { index, records: bytes });
  };
  return Promise.all(
    batches.map((_, place) => {
      return new Promise<BatchOutcome>((resolve) => {
        takers.push(resolve);
        begin(place);
      });
    }),
  );
}

/** A request that comes from no connection of a Kafka client. */
function contextOf(services: DoorServices): RequestContext {
  return {
    services,
    apiVersion: produceVersion,
    clientId: '',
    clientHost: '',
    // Nobody aborts it: what was begun is finished, whether its client waits or not.
    signal: new AbortController().signal,
    keepFrame: () => {},
    onReplySent: () => {},
  };
}

function outcomeOf(reply: PartitionReply): BatchOutcome {
  const { errorCode, errorMessage, baseOffset, logAppendTimeMs = -1, recordErrors } = reply;
  if (errorCode === ErrorCode.NONE) return { baseOffset, appendedAtMs: logAppendTimeMs };
  const { name, message, retriable } = errorInfo(errorCode);
  const faults = (recordErrors ?? []).map(
    ({ batchIndex, batchIndexErrorMessage }): [number, string] => [
      batchIndex,
      batchIndexErrorMessage ?? message,
    ],
  );
  return { error: { code: name, message: errorMessage ?? message, retriable }, faults };
}

function tell(
  batches: readonly PlannedBatch[],
  outcomes: readonly BatchOutcome[],
  records: readonly TakenRecord[],
  timestampMs: number,
): ProducedRecord[] {
  const told: ProducedRecord[] = [];
  for (const [at, { partition, indexes }] of batches.entries()) {
    const outcome = outcomes[at]!;
    for (const [place, index] of indexes.entries()) {
      if ('error' in outcome) {
        told[index] = { partition, error: errorOf(outcome.error, outcome.faults, place) };
        continue;
      }
      const { baseOffset, appendedAtMs } = outcome;
      const ownMs = records[index]!.timestampMs ?? timestampMs;
      const storedMs = appendedAtMs === -1 ? ownMs : appendedAtMs;
      told[index] = { partition, offset: baseOffset + place, timestampMs: storedMs };
    }
  }
  return told;
}

/** A batch is stored whole or not at all: who is not to blame is told who is. */
function errorOf(
  error: RecordError,
  faults: readonly [index: number, message: string][],
  place: number,
): RecordError {
  if (faults.length === 0) return error;
  const own = faults.find(([index]) => index === place);
  if (own !== undefined) return { ...error, message: own[1] };
  const message = 'it is sound, but other records of its batch are not, and none of them is stored';
  return { ...error, message };
}
