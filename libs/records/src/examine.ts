import {
  compressionCode,
  compressionMask,
  compressionOf,
  type CompressionName,
} from './attributes';
import { compress, decompress } from './compression/codecs';
import { crc32cBetween } from './crc32c';
import { sealBatch } from './encode';
import { RecordsError } from './errors';
import { batchHeaderBytes, field, type BatchHeader } from './header';
import { writeInt64 } from './integers';
import { checkRules, noTimestamp, type RecordRules } from './rules';
import { walkRecords } from './walk';

/** What a topic asks of a batch's records, and how it wants them compressed. */
export interface ExamineRules extends RecordRules {
  /** What the records may decompress to, in bytes. */
  decompressedBytesMax: number;
  /** How they are to be compressed in place of what they are; null leaves them as they are. */
  compression: CompressionName | null;
}

/** What of a batch's header its records are compared with. */
export type ExaminedHeader = Pick<BatchHeader, 'attributes' | 'recordCount' | 'baseTimestampMs'>;

/** What the records of a batch are found to be. */
export interface Findings {
  /** The largest time of the records, ms; -1 where none has a time. */
  largestTimestampMs: number;
  /** The records compressed as the topic wants them; null when they stay as they are. */
  repacked: Buffer | null;
}

/** The smallest record: seven numbers of one byte each. */
const recordBytesMin = 7;

/**
 * Unpacks the records of a batch if they are packed, walks over them once, compares them with the
 * batch's header and with the topic's rules, and packs them as the topic wants it.
 * @param bytes ends with the records, which start at `start`.
 * @throws RecordsError `invalid-record`, also where they do not unpack; `invalid-timestamp`;
 * `too-large` when they unpack to more than the rules allow.
 */
export function examineRecords(
  bytes: Buffer,
  start: number,
  header: ExaminedHeader,
  rules: ExamineRules,
): Findings {
  const name = compressionOf(header.attributes);
  const packed = name !== 'none';
  const body = packed ? unpack(name, bytes.subarray(start), rules) : bytes;
  const bodyAt = packed ? 0 : start;
  const { recordCount } = header;
  if (recordCount * recordBytesMin > body.length - bodyAt) {
    const room = body.length - bodyAt;
    throw new RecordsError('invalid-record', `${recordCount} records in ${room} bytes`);
  }
  const summary = walkRecords(body, bodyAt, header);
  if (packed && summary.largestRecordBytes > rules.recordBytesMax) {
    const { largestRecordBytes: largest } = summary;
    const message = `a record of ${largest} bytes, where ${rules.recordBytesMax} are allowed`;
    throw new RecordsError('invalid-record', message);
  }
  checkRules(body, bodyAt, header, summary, rules);
  const latestMs = header.baseTimestampMs + summary.largestDeltaMs;
  const { compression } = rules;
  const repacked = compression === null ? null : compress(compression, body.subarray(bodyAt));
  return { largestTimestampMs: Math.max(latestMs, noTimestamp), repacked };
}

/**
 * What does not unpack was sent so: its CRC is right. To send it again is of no use, so it is not
 * `corrupt`, which clients retry.
 */
function unpack(name: CompressionName, packed: Buffer, rules: ExamineRules): Buffer {
  try {
    return decompress(name, packed, rules.decompressedBytesMax);
  } catch (error) {
    if (error instanceof RecordsError && error.code === 'corrupt') {
      throw new RecordsError('invalid-record', error.message, { cause: error });
    }
    throw error;
  }
}

/**
 * Writes into a batch what was found: its largest timestamp, where the producer has written another
 * (kafkajs 2.2 writes the last record's), and its records in another compression. The header is
 * brought up to date with it.
 * @returns the batch itself, changed in place; another where the records were compressed anew.
 */
export function applyFindings(
  batch: Buffer,
  header: BatchHeader,
  findings: Findings,
  compression: CompressionName | null,
): Buffer {
  const { largestTimestampMs, repacked } = findings;
  const mended = largestTimestampMs !== header.maxTimestampMs;
  if (mended) {
    header.maxTimestampMs = largestTimestampMs;
    writeInt64(batch, largestTimestampMs, field.maxTimestamp);
  }
  if (repacked !== null && compression !== null) {
    const result = Buffer.concat([batch.subarray(0, batchHeaderBytes), repacked]);
    header.attributes = (header.attributes & ~compressionMask) | compressionCode(compression);
    result.writeInt16BE(header.attributes, field.attributes);
    sealBatch(result);
    return result;
  }
  if (mended) {
    batch.writeUInt32BE(crc32cBetween(batch, field.attributes, batch.length), field.crc);
  }
  return batch;
}
