import { storageErrorCode } from '@sluice/log';
import { UnknownOutcome } from '@sluice/redis';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';

/** What became of one item of an admin request, in the fields that responses have for it. */
export interface Outcome {
  errorCode: ErrorCodeValue;
  /** For people; null when all is well. */
  errorMessage: string | null;
}

/** Messages repeat what clients sent, and classic strings end at 32,767 bytes. */
const messageCharsMax = 1_000;

export const done: Outcome = Object.freeze({ errorCode: ErrorCode.NONE, errorMessage: null });

/** A refusal, with a message of a bounded length. */
export function refuse(errorCode: ErrorCodeValue, message: string): Outcome {
  const isLong = message.length > messageCharsMax;
  return { errorCode, errorMessage: isLong ? `${message.slice(0, messageCharsMax)}…` : message };
}

/**
 * Runs a change, or a look, at Redis; a failure of Redis becomes a retriable refusal that says
 * whether something may have changed. Other errors are thrown on.
 */
export async function orRefusal<T>(attempt: () => Promise<T>): Promise<T | Outcome> {
  try {
    return await attempt();
  } catch (error) {
    const code = storageErrorCode(error);
    if (code === undefined) throw error;
    const { message } = error as Error;
    const isUnsure = error instanceof UnknownOutcome;
    return refuse(code, isUnsure ? message : `Nothing was changed. ${message}`);
  }
}

/**
 * Runs the second step of a request whose first has changed something. Where it fails, that is what
 * the client is told, with an error upon which none asks for all of it once more by itself.
 *
 * @param halfDone what the first step did and the second did not, without a full stop
 */
export async function orHalfDone(
  halfDone: string,
  attempt: () => Promise<Outcome>,
): Promise<Outcome> {
  let why: string | null;
  try {
    why = (await attempt()).errorMessage;
  } catch (error) {
    if (storageErrorCode(error) === undefined) throw error;
    why = (error as Error).message;
  }
  return why === null ? done : refuse(ErrorCode.REQUEST_TIMED_OUT, `${halfDone}: ${why}`);
}
