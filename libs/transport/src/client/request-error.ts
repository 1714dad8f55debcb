/** Why a request has no answer. */
export type RequestProblem = 'timed-out' | 'closed' | 'answers-lost' | 'too-many' | 'undecodable';

/** A request that ended without the answer of a handler. What a handler answers is never this. */
export class StreamRequestError extends Error {
  override readonly name = 'StreamRequestError';

  /** @param topic the pattern of the request */
  constructor(
    readonly problem: RequestProblem,
    readonly topic: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`the request to '${topic}' has no answer: ${message}`, options);
  }
}
