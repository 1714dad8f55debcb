import { DoorRefusal, type DoorRefusalKind } from '@sluice/broker';
import { GroupRefusal } from '@sluice/groups';
import { LeadershipLost, NotEnoughReplicas, NotEnoughReplicasAfterAppend } from '@sluice/log';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { errorInfo, type ErrorCodeValue } from '@sluice/wire';
import { Problem, problemKinds, type ProblemCode } from './problems';

/** How long a caller should wait for Redis before the next attempt, in seconds. */
const redisRetrySeconds = 1;

/**
 * The problem that a failure is: of Redis, which callers may try again, or of replicas. Undefined
 * for what is a mistake of our own.
 */
export function problemOfError(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof DoorRefusal) return problemOfRefusal(error);
  if (error instanceof GroupRefusal) return problemOfGroup(error);
  const facts = { retryAfterSeconds: redisRetrySeconds, cause: error };
  if (error instanceof UnknownOutcome || error instanceof NotEnoughReplicasAfterAppend) {
    const detail = `${error.message}. Look whether it was made before you try again.`;
    return new Problem('outcome-unknown', detail, { cause: error });
  }
  if (error instanceof NotEnoughReplicas) {
    return new Problem('not-enough-replicas', `Nothing was changed. ${error.message}`, facts);
  }
  if (error instanceof RedisUnavailable) {
    const code = error.reason === 'no-replicas' ? 'not-enough-replicas' : 'redis-unavailable';
    return new Problem(code, `Nothing was changed. ${error.message}`, facts);
  }
  if (error instanceof LeadershipLost) {
    // Whoever asks again is answered by the leadership that follows.
    return new Problem('redis-unavailable', `Nothing was changed: ${error.message}.`, facts);
  }
  return undefined;
}

/** What the records door refuses, where the code of its refusal is no problem's. */
const byRefusal: Readonly<Record<DoorRefusalKind, ProblemCode>> = {
  invalid: 'invalid-request',
  unknown: 'unknown-topic',
  conflict: 'topic-deleted',
  'too-large': 'too-much-at-once',
  'too-many': 'too-many-requests',
  mismatch: 'idempotency-key-reused',
};

function problemOfRefusal({ kind, code, message }: DoorRefusal): Problem {
  const own = Object.hasOwn(problemKinds, code) ? (code as ProblemCode) : byRefusal[kind];
  const facts = kind === 'too-many' ? { retryAfterSeconds: redisRetrySeconds } : {};
  return new Problem(own, `${message}.`, facts);
}

/** Of groups some of Kafka's errors mean something else. */
const byGroupError: Readonly<Record<string, ProblemCode>> = {
  GROUP_ID_NOT_FOUND: 'unknown-group',
  INVALID_GROUP_ID: 'unknown-group',
  NON_EMPTY_GROUP: 'group-has-members',
  GROUP_SUBSCRIBED_TO_TOPIC: 'group-has-members',
  UNKNOWN_SERVER_ERROR: 'unreadable-group',
  CORRUPT_MESSAGE: 'unreadable-batch',
  NOT_COORDINATOR: 'redis-unavailable',
  COORDINATOR_LOAD_IN_PROGRESS: 'redis-unavailable',
};

function problemOfGroup({ kafkaError, message }: GroupRefusal): Problem {
  const code = byGroupError[kafkaError] ?? kafkaProblemCode(kafkaError);
  const facts = code === 'redis-unavailable' ? { retryAfterSeconds: redisRetrySeconds } : {};
  return new Problem(code, `${message}.`, facts);
}

/** Kafka's errors, as our libraries answer them, and what they are over HTTP. */
const byKafkaError: Readonly<Record<string, ProblemCode>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'unknown-topic',
  UNKNOWN_TOPIC_ID: 'unknown-topic',
  INVALID_TOPIC_EXCEPTION: 'invalid-topic',
  TOPIC_ALREADY_EXISTS: 'topic-exists',
  INVALID_PARTITIONS: 'invalid-partitions',
  INVALID_CONFIG: 'invalid-config',
  INVALID_REQUEST: 'invalid-request',
  MESSAGE_TOO_LARGE: 'record-too-large',
  INVALID_RECORD: 'record-refused',
  INVALID_TIMESTAMP: 'record-refused',
  NOT_LEADER_OR_FOLLOWER: 'redis-unavailable',
  OFFSET_OUT_OF_RANGE: 'offset-out-of-range',
  NOT_ENOUGH_REPLICAS: 'not-enough-replicas',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'outcome-unknown',
  REQUEST_TIMED_OUT: 'outcome-unknown',
  KAFKA_STORAGE_ERROR: 'redis-unavailable',
  COORDINATOR_NOT_AVAILABLE: 'redis-unavailable',
};

/** The problem's code for one of Kafka's errors, by its name. */
export function kafkaProblemCode(name: string): ProblemCode {
  return byKafkaError[name] ?? 'internal-error';
}

/** The problem for a refusal in Kafka's terms; `message` is the refusal's own, for people. */
export function problemOfKafkaError(errorCode: ErrorCodeValue, message: string | null): Problem {
  const { name, message: usual } = errorInfo(errorCode);
  const code = kafkaProblemCode(name);
  const isRetriable = code === 'redis-unavailable' || code === 'not-enough-replicas';
  const facts = isRetriable ? { retryAfterSeconds: redisRetrySeconds } : {};
  return new Problem(code, message ?? `${name}: ${usual}`, facts);
}
