import type { ConsumedRecord } from '@sluice/streams';
import type { DeadLetterReason } from '../handlers/verdict';

/** What became of records, for metrics, spans and whoever listens. Nothing of it may throw. */
export interface HandlingObserver {
  /** An attempt has ended. */
  attempted(topic: string, records: number, elapsedMs: number, hasFailed: boolean): void;
  /** They are acknowledged: handled, or as the handler asked. */
  handled(topic: string, records: number): void;
  /** Handler asked for them to be passed over. */
  skipped(record: ConsumedRecord, reason: string): void;
  /** It failed after it had asked for something that goes before its error. */
  failedAfterwards(record: ConsumedRecord, error: unknown): void;
  /** They will be tried again. */
  retried(record: ConsumedRecord, error: unknown, attempt: number, delayMs: number): void;
  /** It is in the dead-letter topic, or was dropped where there is none (`topic` is null). */
  deadLettered(
    record: ConsumedRecord,
    topic: string | null,
    reason: DeadLetterReason,
    error: unknown,
  ): void;
}
