import { createHash, type Hash } from 'node:crypto';
import type { CompressionName } from '@sluice/records';
import { limits } from '../limits';
import { DoorRefusal, invalid } from './door-refusal';
import { takeBytes, type GivenBytes } from './given-bytes';

/** A record as it is given. */
export interface GivenRecord {
  /** Left out: by the key, and without one, one for all such records of the request. */
  partition?: number | null;
  /** Left out: the time at which the request came. */
  timestampMs?: number | null;
  key?: GivenBytes;
  value?: GivenBytes;
  headers?: { name: string; value?: GivenBytes }[];
}

/** What is to be produced. */
export interface ProduceRequest {
  topic: string;
  records: readonly GivenRecord[];
  acks: 'none' | 'leader' | 'all';
  compression: CompressionName;
  /** The same request with the same key is done once; see `Idempotency`. */
  idempotencyKey?: string;
}

/** A record as bytes; null where the request leaves it to us. */
export interface TakenRecord {
  partition: number | null;
  timestampMs: number | null;
  key: Buffer | null;
  value: Buffer | null;
  headers: { key: string; value: Buffer | null }[];
}

/** The records of a request. @throws DoorRefusal that names the first that cannot be meant */
export function takeRecords(given: readonly GivenRecord[]): TakenRecord[] {
  if (given.length === 0) throw invalid('records-missing', 'there are no records');
  if (given.length > limits.produceRecordsMax) {
    const message = `${given.length} records, where a request may have ${limits.produceRecordsMax}`;
    throw new DoorRefusal('too-large', 'too-many-records', message);
  }
  return given.map((record, index) => takeRecord(record, `records[${index}]`));
}

/** A digest that is the same for requests that ask for the same, however their text is written. */
export function fingerprintOf(
  { topic, acks, compression }: ProduceRequest,
  records: readonly TakenRecord[],
): string {
  const hash = createHash('sha256').update(`${topic}\0${acks}\0${compression}\0`);
  for (const { partition, timestampMs, key, value, headers } of records) {
    hash.update(`${partition} ${timestampMs} ${headers.length} `);
    for (const bytes of [key, value]) addBytes(hash, bytes);
    for (const header of headers) {
      addBytes(hash, Buffer.from(header.key));
      addBytes(hash, header.value);
    }
  }
  return hash.digest('base64url');
}

function addBytes(hash: Hash, bytes: Buffer | null): void {
  hash.update(bytes === null ? '-' : `${bytes.length} `);
  if (bytes !== null) hash.update(bytes);
}

function takeRecord(record: GivenRecord, where: string): TakenRecord {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw invalid('record-invalid', `${where} must be an object`);
  }
  const { headers = [] } = record;
  if (!Array.isArray(headers)) throw invalid('record-invalid', `${where}.headers must be a list`);
  if (headers.length > limits.produceHeadersMax) {
    const message = `${where} has ${headers.length} headers, more than ${limits.produceHeadersMax}`;
    throw new DoorRefusal('too-large', 'too-many-headers', message);
  }
  return {
    partition: wholeNumber(record.partition, `${where}.partition`),
    timestampMs: wholeNumber(record.timestampMs, `${where}.timestampMs`),
    key: takeBytes(record.key, `${where}.key`),
    value: takeBytes(record.value, `${where}.value`),
    headers: headers.map((header, index) => {
      if (typeof header?.name !== 'string') {
        throw invalid('record-invalid', `${where}.headers[${index}].name must be a string`);
      }
      const value = takeBytes(header.value, `${where}.headers[${index}].value`);
      return { key: header.name, value };
    }),
  };
}

function wholeNumber(value: unknown, where: string): number | null {
  if (value === null || value === undefined) return null;
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid('record-invalid', `${where} must be a whole number, 0 or more`);
}
