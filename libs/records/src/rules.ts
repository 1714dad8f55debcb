import { RecordsError, type RecordFault } from './errors';
import type { BatchHeader } from './header';
import { limits } from './limits';
import { Cursor } from './varint';
import type { RecordsSummary } from './walk';

/** What a topic asks of each record. */
export interface RecordRules {
  /** True for compacted topics: each record has a key. */
  keysRequired: boolean;
  /** The time of each record lies between these, ms; one without a time (-1) may be anywhere. */
  earliestMs: number;
  latestMs: number;
  /** Bytes of one record in a compressed batch (Kafka's `max.decompressed.message.bytes`). */
  recordBytesMax: number;
}

/** The time of a record that has none. */
export const noTimestamp = -1;

/**
 * Compares records that were walked over with what their topic asks. The walk has noted enough to
 * know that all is well; only where it may not be are the records read once more, for those that
 * are to blame.
 * @throws RecordsError `invalid-record` or, where a time is outside the bounds,
 * `invalid-timestamp`, with the faults of single records.
 */
export function checkRules(
  body: Buffer,
  start: number,
  header: Pick<BatchHeader, 'recordCount' | 'baseTimestampMs'>,
  summary: RecordsSummary,
  rules: RecordRules,
): void {
  const { baseTimestampMs } = header;
  const timely =
    baseTimestampMs + summary.smallestDeltaMs >= rules.earliestMs &&
    baseTimestampMs + summary.largestDeltaMs <= rules.latestMs;
  if (timely && !(rules.keysRequired && summary.keyless)) return;
  const found = findFaults(body, start, header, rules);
  if (found.count === 0) return;
  const code = found.untimely ? 'invalid-timestamp' : 'invalid-record';
  const { index, message } = found.faults[0]!;
  const errors = found.count === 1 ? '1 record error' : `${found.count} record errors`;
  throw new RecordsError(code, `${errors}; record ${index}: ${message}`, { faults: found.faults });
}

interface Faults {
  count: number;
  untimely: boolean;
  /** The first of them. */
  faults: RecordFault[];
}

function findFaults(
  body: Buffer,
  start: number,
  { recordCount, baseTimestampMs }: Pick<BatchHeader, 'recordCount' | 'baseTimestampMs'>,
  rules: RecordRules,
): Faults {
  const found: Faults = { count: 0, untimely: false, faults: [] };
  const cursor = new Cursor(body, start);
  for (let index = 0; index < recordCount; index++) {
    const recordBytes = cursor.varint();
    const next = cursor.at + recordBytes;
    cursor.skip(1);
    const timestampMs = baseTimestampMs + cursor.varlong();
    cursor.varint();
    const keyBytes = cursor.varint();
    cursor.at = next;
    const fault = faultOf({ hasKey: keyBytes >= 0, timestampMs }, rules);
    if (fault === null) continue;
    found.count++;
    found.untimely ||= fault.code === 'invalid-timestamp';
    if (found.faults.length === limits.recordFaultsMax) continue;
    found.faults.push({ index, message: fault.message });
  }
  return found;
}

/** What a topic has against a record; null: nothing. As in Kafka, one fault a record. */
export function faultOf(
  { hasKey, timestampMs }: { hasKey: boolean; timestampMs: number },
  rules: RecordRules,
): { code: 'invalid-record' | 'invalid-timestamp'; message: string } | null {
  if (rules.keysRequired && !hasKey) return { code: 'invalid-record', message: withoutKey };
  if (isTimely(timestampMs, rules)) return null;
  return { code: 'invalid-timestamp', message: outside(timestampMs, rules) };
}

const withoutKey = 'a compacted topic takes no record without key';

function isTimely(timestampMs: number, { earliestMs, latestMs }: RecordRules): boolean {
  if (timestampMs === noTimestamp) return true;
  return timestampMs >= earliestMs && timestampMs <= latestMs;
}

function outside(timestampMs: number, { earliestMs, latestMs }: RecordRules): string {
  return `timestamp ${timestampMs} is outside the topic's bounds, ${earliestMs} to ${latestMs}`;
}
