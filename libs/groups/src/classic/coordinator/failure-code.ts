import { RedisReplyError, RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { ErrorCode } from '@sluice/wire';

/** Whether Redis has failed, and not this program. */
export function isRedisFailure(error: unknown): boolean {
  return (
    error instanceof RedisUnavailable ||
    error instanceof UnknownOutcome ||
    error instanceof RedisReplyError
  );
}

/**
 * The error code for a change that has failed, but not because another coordinator has the group:
 * REQUEST_TIMED_OUT where it may have been made.
 */
export function codeOfFailure(error: unknown): number {
  return inDoubt(error, ErrorCode.COORDINATOR_NOT_AVAILABLE);
}

/** The same, where there is a code already. */
export function inDoubt(error: unknown, errorCode: number): number {
  const mayBeMade = error instanceof UnknownOutcome;
  const isUnavailable = errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE;
  return isUnavailable && mayBeMade ? ErrorCode.REQUEST_TIMED_OUT : errorCode;
}
