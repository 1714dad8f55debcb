import { NotEnoughReplicas, NotEnoughReplicasAfterAppend } from '@sluice/log';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { errorInfo, type ErrorCodeValue } from '@sluice/wire';
import { Problem, type ProblemCode } from './problems';

/** How long a caller should wait for Redis before the next attempt, in seconds. */
const redisRetrySeconds = 1;

/**
 * The problem that a failure is: of Redis, which callers may try again, or of replicas. Undefined
 * for what is a mistake of our own.
 */
export function problemOfError(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
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
  return undefined;
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
  OFFSET_OUT_OF_RANGE: 'offset-out-of-range',
  NOT_ENOUGH_REPLICAS: 'not-enough-replicas',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'outcome-unknown',
  REQUEST_TIMED_OUT: 'outcome-unknown',
  KAFKA_STORAGE_ERROR: 'redis-unavailable',
  COORDINATOR_NOT_AVAILABLE: 'redis-unavailable',
};

/** The problem for a refusal in Kafka's terms; `message` is the refusal's own, for people. */
export function problemOfKafkaError(errorCode: ErrorCodeValue, message: string | null): Problem {
  const { name, message: usual } = errorInfo(errorCode);
  const code = byKafkaError[name] ?? 'internal-error';
  const isRetriable = code === 'redis-unavailable' || code === 'not-enough-replicas';
  const facts = isRetriable ? { retryAfterSeconds: redisRetrySeconds } : {};
  return new Problem(code, message ?? `${name}: ${usual}`, facts);
}
