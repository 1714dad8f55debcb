import { isUtf8 } from 'node:buffer';
import type { ConsumedRecord, RecordHeader } from '@sluice/streams';

/** Bytes as JSON has them: text, where they are UTF-8, so that people can read them. */
export type StoredBytes = string | { base64: string } | null;

/** A record as the data of its job. */
export interface JobData {
  /** The form of this; a worker fails a job of a form that it does not know. */
  format: 1;
  topic: string;
  partition: number;
  offset: number;
  timestampMs: number;
  key: StoredBytes;
  value: StoredBytes;
  headers: [name: string, value: StoredBytes][];
}

export function dataOf(record: ConsumedRecord): JobData {
  const { topic, partition, offset, timestampMs, key, value, headers } = record;
  return {
    format: 1,
    topic,
    partition,
    offset,
    timestampMs,
    key: storedOf(key),
    value: storedOf(value),
    headers: headers.map((header) => [header.key, storedOf(header.value)]),
  };
}

/** The bytes again, each as it was. */
export function bytesOf(stored: StoredBytes): Buffer | null {
  if (stored === null) return null;
  return typeof stored === 'string' ? Buffer.from(stored) : Buffer.from(stored.base64, 'base64');
}

/** The headers as the record had them. */
export function headersOf({ headers }: JobData): RecordHeader[] {
  return headers.map(([key, value]) => ({ key, value: bytesOf(value) }));
}

function storedOf(bytes: Buffer | null): StoredBytes {
  if (bytes === null) return null;
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}
