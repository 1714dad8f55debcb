import { storageErrorCode } from '@sluice/log';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';

/**
 * As `storageErrorCode`, for requests that only read: whatever Redis refused on the way, they are
 * told a code on which a consumer looks again. The others say what became of a write, and Java's
 * consumer ends on those ("Unexpected error code 19 while fetching"). Reading can need a write, as
 * a leader that is new makes itself known first.
 */
export function readErrorCode(error: unknown): ErrorCodeValue | undefined {
  const code = storageErrorCode(error);
  if (code === undefined || code === ErrorCode.NOT_LEADER_OR_FOLLOWER) return code;
  return ErrorCode.KAFKA_STORAGE_ERROR;
}

/**
 * Runs a read of Redis; a failure of Redis becomes `failed(code)`, any other error is thrown on.
 */
export async function orReadError<T>(
  attempt: () => Promise<T>,
  failed: (code: ErrorCodeValue) => T,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const code = readErrorCode(error);
    if (code === undefined) throw error;
    return failed(code);
  }
}
