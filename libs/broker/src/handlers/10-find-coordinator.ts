import { ErrorCode, type ErrorCodeValue, FindCoordinator } from '@sluice/wire';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';

const groupCoordinator = 0;
const transactionCoordinator = 1;
/** From this version on one request names many keys. */
const manyKeysVersion = 4;

/**
 * FindCoordinator, v0–v5. v1: key types. v4: many keys. Not covered: transactional ids (key type
 * 1), which are refused until transactions are there: up to v3 as not authorized, for librdkafka
 * asks again for ever after any other error.
 */
export const findCoordinator = handle(FindCoordinator, ({ services, apiVersion }, request) => {
  const { keyType } = request;
  if (apiVersion >= manyKeysVersion) {
    const refusal = ErrorCode.INVALID_REQUEST;
    const coordinators = request.coordinatorKeys.map((key) => ({
      key,
      ...coordinatorOf(services, { keyType, key, refusal }),
    }));
    return { coordinators };
  }
  // Java, which comes with later versions, would not show the message that goes with this one.
  const refusal = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  return coordinatorOf(services, { keyType, key: request.key, refusal });
});

function coordinatorOf(
  { cluster }: BrokerServices,
  { keyType, key, refusal }: { keyType: number; key: string; refusal: ErrorCodeValue },
) {
  const nowhere = { nodeId: -1, host: '', port: -1 };
  if (keyType !== groupCoordinator) {
    const isTransaction = keyType === transactionCoordinator;
    const errorCode = isTransaction ? refusal : ErrorCode.INVALID_REQUEST;
    const errorMessage = 'Only groups have coordinators; transactions are not available.';
    return { errorCode, errorMessage, ...nowhere };
  }
  if (key === '') {
    return {
      errorCode: ErrorCode.INVALID_GROUP_ID,
      errorMessage: 'The group id is empty.',
      ...nowhere,
    };
  }
  const id = cluster.coordinatorOf(key);
  const broker = cluster.brokers().find((one) => one.id === id);
  if (broker === undefined) {
    const errorMessage = 'Nobody coordinates the group at the moment.';
    return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, errorMessage, ...nowhere };
  }
  const { host, port } = broker;
  return { errorCode: ErrorCode.NONE, errorMessage: null, nodeId: id, host, port };
}
