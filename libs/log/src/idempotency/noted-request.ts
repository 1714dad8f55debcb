import { RedisUnavailable } from '@sluice/redis';

/** A batch that a request is going to write, as one of a producer that writes nothing else. */
export interface NotedBatch {
  partition: number;
  /** How many of the request's records for this partition are in it; they are in order. */
  records: number;
  /** Its batch has the epoch 0 and begins with the sequence 0. */
  producerId: number;
}

/** What a request with an Idempotency-Key is going to write, and what came of it. */
export interface NotedRequest {
  /** Digest of what it asks for: the same key with another one is a mistake of its client. */
  fingerprint: string;
  topic: string;
  topicId: string;
  /** How many the topic had: records with keys go where they went the first time. */
  partitions: number;
  /** The partition of the records without a key. */
  keylessPartition: number;
  /** The time of records that have none of their own. */
  timestampMs: number;
  batches: NotedBatch[];
  /** The answer, once there is one that will not change; else null. */
  answer: unknown;
}

/** The form in which this version stores a request. */
const format = 1;

/** The same request always gives the same text. */
export function encodeRequest(request: NotedRequest): string {
  const { fingerprint, topic, topicId, partitions, keylessPartition, timestampMs } = request;
  const batches = request.batches.map((one) => [one.partition, one.records, one.producerId]);
  const { answer } = request;
  return JSON.stringify({
    format,
    fingerprint,
    topic,
    topicId,
    partitions,
    keylessPartition,
    timestampMs,
    batches,
    answer,
  });
}

/**
 * @throws RedisUnavailable when only a newer version knows the form; Error when it is no request
 */
export function decodeRequest(text: string): NotedRequest {
  const stored = JSON.parse(text) as Omit<NotedRequest, 'batches'> & {
    format?: number;
    batches: [number, number, number][];
  };
  if ((stored.format ?? 1) > format) {
    throw new RedisUnavailable(
      'newer-format',
      `an idempotent request is stored in form ${stored.format}, which only a newer version of ` +
        `Sluice knows; this one knows forms up to ${format}. It is left alone`,
    );
  }
  const { format: _format, ...rest } = stored;
  const batches = stored.batches.map(([partition, records, producerId]) => {
    return { partition, records, producerId };
  });
  return { ...rest, batches };
}
