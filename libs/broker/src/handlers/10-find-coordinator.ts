import { ErrorCode, FindCoordinator } from '@sluice/wire';
import type { BrokerServices } from '../context';
import { handle } from '../registry';

const groupCoordinator = 0;
/** From this version on one request names many keys. */
const manyKeysVersion = 4;

/**
 * FindCoordinator, v0–v5. v1: key types. v4: many keys. This gateway coordinates every group. Not
 * covered: transactional ids (key type 1), which are refused until transactions are there.
 */
export const findCoordinator = handle(FindCoordinator, ({ services, apiVersion }, request) => {
  if (apiVersion >= manyKeysVersion) {
    const coordinators = request.coordinatorKeys.map((key) => ({
      key,
      ...coordinatorOf(services, request.keyType, key),
    }));
    return { coordinators };
  }
  return coordinatorOf(services, request.keyType, request.key);
});

function coordinatorOf({ options, advertised }: BrokerServices, keyType: number, key: string) {
  const nowhere = { nodeId: -1, host: '', port: -1 };
  if (keyType !== groupCoordinator) {
    const errorMessage = 'Only groups have coordinators; transactions are not available.';
    return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage, ...nowhere };
  }
  if (key === '') {
    return {
      errorCode: ErrorCode.INVALID_GROUP_ID,
      errorMessage: 'The group id is empty.',
      ...nowhere,
    };
  }
  const { host, port } = advertised;
  return { errorCode: ErrorCode.NONE, errorMessage: null, nodeId: options.brokerId, host, port };
}
