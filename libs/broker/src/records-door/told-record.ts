import type { RecordData } from '@sluice/records';
import { tellBytes, type BytesForm, type ToldBytes } from './told-bytes';

/** How records are to be told. */
export interface Telling {
  keys: BytesForm;
  values: BytesForm;
  headers: BytesForm;
  /** Bytes of a key, a value or a header that are told; the rest is cut off. */
  bytesMax: number;
}

/** A record as it is told. */
export interface ToldRecord {
  partition: number;
  offset: number;
  timestampMs: number;
  key: ToldBytes | null;
  value: ToldBytes | null;
  headers: { name: string; value: ToldBytes | null }[];
}

/** A copy of a record: nothing of the batch's memory is in it. */
export function tellRecord(
  partition: number,
  { offset, timestampMs, key, value, headers }: RecordData,
  telling: Telling,
): ToldRecord {
  const { bytesMax } = telling;
  return {
    partition,
    offset,
    timestampMs,
    key: tellBytes(key, telling.keys, bytesMax),
    value: tellBytes(value, telling.values, bytesMax),
    headers: headers.map((header) => ({
      name: header.key,
      value: tellBytes(header.value, telling.headers, bytesMax),
    })),
  };
}

/** About how many bytes the telling of a record takes. */
export function toldSize({ key, value, headers }: RecordData, { bytesMax }: Telling): number {
  let bytes = Math.min(key?.length ?? 0, bytesMax) + Math.min(value?.length ?? 0, bytesMax);
  for (const header of headers) {
    bytes += header.key.length + Math.min(header.value?.length ?? 0, bytesMax);
  }
  return bytes;
}
