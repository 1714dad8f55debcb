import type { ExaminedHeader, ExamineRules, RecordFault, RecordsErrorCode } from '@sluice/records';

/** Asks an examiner's thread about one batch. */
export interface ExamineRequest {
  id: number;
  /** Handed over, and handed back with the answer; the records fill its first `recordsBytes`. */
  memory: ArrayBuffer;
  recordsBytes: number;
  header: ExaminedHeader;
  rules: ExamineRules;
}

/** What the thread answers; both buffers are handed over. */
export interface ExamineAnswer {
  id: number;
  memory: ArrayBuffer;
  outcome:
    | { kind: 'found'; largestTimestampMs: number; repacked: ArrayBuffer | null }
    | { kind: 'refused'; code: RecordsErrorCode; message: string; faults: readonly RecordFault[] };
}
