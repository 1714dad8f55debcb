import { storageErrorCode } from '@sluice/log';
import { ErrorCode, InitProducerId } from '@sluice/wire';
import { handle } from '../requests/handler';

/**
 * InitProducerId, v0–v5. Without a transactional id each call gives a new producer id with epoch 0,
 * unique over all gateways and restarts. Not covered: transactional ids (refused; no
 * FindCoordinator finds one either).
 */
export const initProducerId = handle(InitProducerId, async ({ services }, request) => {
  if (request.transactionalId !== null) {
    return { errorCode: ErrorCode.INVALID_REQUEST, producerId: -1, producerEpoch: -1 };
  }
  try {
    const producerId = await services.producerIds.next();
    return { errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
  } catch (error) {
    if (storageErrorCode(error) === undefined) throw error;
    // As in Kafka. Java asks again after few others, and after 15 it would look for a coordinator.
    const errorCode = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    return { errorCode, producerId: -1, producerEpoch: -1 };
  }
});
