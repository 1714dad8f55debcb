/**
 * Why a batch was refused.
 * - `corrupt`: the bytes do not hold together (too short, wrong CRC, a stream that will not
 *   decompress).
 * - `unsupported-magic`: a message format older (0, 1) or newer than record batch v2.
 * - `invalid-record`: whole, but breaks a rule of the format, or holds a number beyond 2^53.
 * - `unsupported-compression`: a compression code that Kafka has not given out.
 * - `too-large`: would take more memory than the caller allows.
 */
export type RecordsErrorCode =
  'corrupt' | 'unsupported-magic' | 'invalid-record' | 'unsupported-compression' | 'too-large';

/** The only error that this library throws about bytes it was given. */
export class RecordsError extends Error {
  override readonly name = 'RecordsError';
  readonly code: RecordsErrorCode;

  constructor(code: RecordsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
