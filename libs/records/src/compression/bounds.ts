import { RecordsError } from '../errors';

/** @throws RecordsError `too-large` when `bytes` is more than `bytesMax`. */
export function requireWithin(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) {
    throw new RecordsError('too-large', `the records decompress to more than ${bytesMax} bytes`);
  }
}

/** The error for compressed bytes that break their own format. */
export function malformed(format: string, why: string): RecordsError {
  return new RecordsError('corrupt', `malformed ${format}: ${why}`);
}
