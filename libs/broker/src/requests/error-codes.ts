import { storageErrorCode } from '@sluice/log';
import type { ErrorCodeValue } from '@sluice/wire';

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
