import { api } from '../api';
import { array, int16, int32, int8, nullable, string } from '../schema';

/**
 * FindCoordinator: which broker serves a group or a transactional id.
 *
 * v1: key type, error message, throttle time. v3: flexible. v4: several keys at once. v5: as v4,
 * with the error TRANSACTION_ABORTABLE.
 */
export const FindCoordinator = api(
  10,
  { name: 'FindCoordinator', versions: '0-5', flexible: '3+' },
  {
    request: {
      key: string.until(3),
      keyType: int8.since(1),
      coordinatorKeys: array(string).since(4),
    },
    response: {
      throttleTimeMs: int32.since(1),
      errorCode: int16.until(3),
      errorMessage: nullable(string).since(1).until(3),
      nodeId: int32.until(3),
      host: string.until(3),
      port: int32.until(3),
      coordinators: array({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: nullable(string),
      }).since(4),
    },
  },
);
