/**
 * The bytes are not what the protocol says. The connection they came from has lost its framing:
 * close it.
 */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}
