/**
 * The name of every Redis key and channel of this library. Nothing else builds one.
 *
 * What one script touches shares a hash tag (the part in braces), so each script stays in one slot
 * of a Redis Cluster. A topic's id is part of its partitions' names, so a topic that is deleted and
 * created again under the same name never meets what the old one left behind.
 */

/** One partition of one incarnation of a topic. */
export interface PartitionRef {
  topic: string;
  /** Kafka topic id, 22 characters of base64url. */
  topicId: string;
  partition: number;
}

/** The keys and the channel of one partition. */
export interface PartitionKeys {
  /** Stream: one entry a record batch, id `<last offset>-<largest timestamp so far>`. */
  log: string;
  /**
   * The stream's other name while a transaction adds large batches to it; nobody else ever sees it.
   */
  open: string;
  /**
   * Hash; docs/architecture.md lists its fields. Missing when the partition does not exist.
   */
  meta: string;
  /** Hash: producer id to epoch, last use and the last five batches; and `format`, of these. */
  producers: string;
  /** Stream: one entry a span of neighbouring batches; see scripts/include/spans.lua. */
  spans: string;
  /**
   * Hash: `g/<group>` to who of the group owns the partition and how far it has come; and `format`,
   * of these. See `PartitionDelivery`.
   */
  delivery: string;
  /** Channel: log end, log start, last stable offset and leader epoch, after each change. */
  wake: string;
}

/** The keys and the channel of the registry of topics, all in one slot. */
export interface RegistryKeys {
  /** Hash: topic name, with '.' as '_', to the topic as JSON. */
  topics: string;
  /**
   * Sorted set: what is left to unlink of topics, by the time (ms) from which it may be; 0 is now.
   */
  deleted: string;
  /**
   * Channel: one message after each change of the registry. Redis' channels are the same in all its
   * databases, so those other than 0 have their number in it.
   */
  changes: string;
  /** Counter: rises with each change of the registry. */
  version: string;
  /** Counter: the first producer id not yet given to any gateway. */
  producerIds: string;
  /** String: the id of the cluster that all gateways on this Redis and prefix form. */
  clusterId: string;
  /** String: the form in which all of this is stored; missing is '1'. */
  format: string;
  /** Hash: token of a process that may have written to JSON; see `Writers`. */
  writers: string;
  /** String: JSON of what was here before Redis was emptied; see `LogHistory`. */
  emptied: string;
}

/** The keys of requests that may be sent again without being done again, all in one slot. */
export interface IdempotencyKeys {
  /** Hash: digest of topic and Idempotency-Key to the request as JSON; see `Idempotency`. */
  requests: string;
  /** Sorted set: the same digests by the time (ms) at which they came. */
  times: string;
}

/** Keys of one partition; `prefix` is the link's key prefix, such as `sluice:`. */
export function partitionKeys(prefix: string, ref: PartitionRef): PartitionKeys {
  const base = `${prefix}{${ref.topic}/${ref.topicId}/${ref.partition}}`;
  return {
    log: `${base}:log`,
    open: `${base}:open`,
    meta: `${base}:meta`,
    producers: `${base}:producers`,
    spans: `${base}:spans`,
    delivery: `${base}:delivery`,
    wake: `${base}:wake`,
  };
}

/** Keys of the topic registry; `prefix` and `db` are the link's key prefix and database. */
export function registryKeys(prefix: string, db = 0): RegistryKeys {
  const base = `${prefix}{registry}`;
  return {
    topics: `${base}:topics`,
    deleted: `${base}:deleted`,
    changes: db === 0 ? `${base}:changes` : `${base}:changes:${db}`,
    version: `${base}:version`,
    producerIds: `${base}:producer-ids`,
    clusterId: `${base}:cluster-id`,
    format: `${base}:format`,
    writers: `${base}:writers`,
    emptied: `${base}:emptied`,
  };
}

/** Keys of requests that may be sent again; `prefix` is the link's key prefix. */
export function idempotencyKeys(prefix: string): IdempotencyKeys {
  const base = `${prefix}{idempotency}`;
  return { requests: `${base}:requests`, times: `${base}:times` };
}

/** Stream: the answers to the requests of one client of the NestJS door; `id` names the client. */
export function replyKey(prefix: string, id: string): string {
  return `${prefix}{reply/${id}}:replies`;
}

/** Channel: the same answers, for the client that waits for them. */
export function replyChannel(prefix: string, id: string): string {
  return `${prefix}{reply/${id}}:words`;
}
