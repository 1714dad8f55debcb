import { RecordsError } from './errors';

/** How the records of a batch are compressed. */
export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

const names: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** The bits of a batch's attributes that hold its compression. */
export const compressionMask = 0b111;
export const logAppendTimeBit = 1 << 3;
export const transactionalBit = 1 << 4;
export const controlBit = 1 << 5;

/**
 * The compression that a batch's attributes name.
 * @throws RecordsError `unsupported-compression` for the codes 5 to 7, which Kafka has not given
 * out.
 */
export function compressionOf(attributes: number): CompressionName {
  const code = attributes & compressionMask;
  const name = names[code];
  if (name === undefined) {
    throw new RecordsError('unsupported-compression', `unknown compression code ${code}`);
  }
  return name;
}

/** The code that stands for a compression in a batch's attributes. */
export function compressionCode(name: CompressionName): number {
  return names.indexOf(name);
}

/** Whether a batch belongs to a transaction. */
export function isTransactional(attributes: number): boolean {
  return (attributes & transactionalBit) !== 0;
}

/** Whether a batch holds a transaction's marker in place of records. */
export function isControl(attributes: number): boolean {
  return (attributes & controlBit) !== 0;
}

/**
 * Whether all records of a batch have its maximum timestamp, which is when it was appended
 * (KIP-32).
 */
export function usesLogAppendTime(attributes: number): boolean {
  return (attributes & logAppendTimeBit) !== 0;
}
