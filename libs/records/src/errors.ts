/**
 * Why a batch was refused.
 * - `corrupt`: the bytes do not hold together (too short, wrong CRC, a stream that will not
 *   decompress).
 * - `unsupported-magic`: a message format older (0, 1) or newer than record batch v2.
 * - `invalid-record`: whole, but breaks a rule of the format, or holds a number beyond 2^53.
 * - `invalid-timestamp`: a time beyond 2^53 or outside what is allowed.
 * - `unsupported-compression`: a compression code that Kafka has not given out.
 * - `too-large`: would take more memory than the caller allows.
 */
export type RecordsErrorCode =
  | 'corrupt'
  | 'unsupported-magic'
  | 'invalid-record'
  | 'invalid-timestamp'
  | 'unsupported-compression'
  | 'too-large';

/** What is wrong with one record of a batch; its index counts from 0. */
export interface RecordFault {
  index: number;
  message: string;
}

interface RecordsErrorOptions extends ErrorOptions {
  faults?: readonly RecordFault[];
}

/** The only error that this library throws about bytes it was given. */
export class RecordsError extends Error {
  override readonly name = 'RecordsError';
  readonly code: RecordsErrorCode;
  /** Where single records are to blame: which, and why. */
  readonly faults: readonly RecordFault[];

  constructor(code: RecordsErrorCode, message: string, options?: RecordsErrorOptions) {
    super(message, options);
    this.code = code;
    this.faults = options?.faults ?? [];
  }
}
