import { ErrorCode } from '@sluice/wire';

/**
 * What a client is told of a change that the group coordinator may or may not have made. As in
 * Kafka, it is one that has clients look for the coordinator and ask again: such a change may be
 * made twice, and not every client takes REQUEST_TIMED_OUT for a reason to do so.
 */
export function codeForClients(errorCode: number): number {
  const isInDoubt = errorCode === ErrorCode.REQUEST_TIMED_OUT;
  return isInDoubt ? ErrorCode.COORDINATOR_NOT_AVAILABLE : errorCode;
}
