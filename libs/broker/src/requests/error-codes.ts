import { storageErrorCode } from '@sluice/log';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';

/**
 * As `storageErrorCode`, for requests to the group coordinator, where clients retry
 * COORDINATOR_NOT_AVAILABLE.
 */
export function coordinatorErrorCode(error: unknown): ErrorCodeValue | undefined {
  return storageErrorCode(error) === undefined ? undefined : ErrorCode.COORDINATOR_NOT_AVAILABLE;
}

/**
 * Runs a use of Redis; a failure of Redis becomes `failed(code)`, any other error is thrown on.
 */
export async function orStorageError<T>(
  attempt: () => Promise<T>,
  failed: (code: ErrorCodeValue) => T,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const code = storageErrorCode(error);
    if (code === undefined) throw error;
    return failed(code);
  }
}
