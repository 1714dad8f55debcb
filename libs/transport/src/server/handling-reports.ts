import type { Logger } from '@sluice/base';
import type { ConsumedRecord } from '@sluice/streams';
import { messageOf } from '../errors/error-report';
import type { DeadLetterReason } from '../handlers/verdict';
import type { HandlingObserver } from '../handling/observer';
import type { ServerEvents } from './server-events';
import type { StreamMetrics, TopicNumbers } from './stream-metrics';

/** Who is told what becomes of a group's records. */
export interface HandlingReportsOptions {
  group: string;
  log: Logger;
  events: ServerEvents;
  metrics: StreamMetrics;
}

/** Tells the log, the metrics and the server's listeners what becomes of records. */
export class HandlingReports implements HandlingObserver {
  readonly #numbers = new Map<string, TopicNumbers>();

  constructor(private readonly options: HandlingReportsOptions) {}

  attempted(topic: string, _records: number, elapsedMs: number, hasFailed: boolean): void {
    this.#of(topic).attempted(elapsedMs, hasFailed);
  }

  handled(topic: string, records: number): void {
    this.#of(topic).handled.add(records);
  }

  skipped(record: ConsumedRecord, reason: string): void {
    const { group, log } = this.options;
    this.#of(record.topic).skipped.add(1);
    log.info('a record is passed over', { ...placeOf(record), group, reason });
  }

  failedAfterwards(record: ConsumedRecord, error: unknown): void {
    const { group, log } = this.options;
    const fields = { ...placeOf(record), group, error: messageOf(error) };
    log.warn('a handler has failed after it had said what becomes of its record', fields);
  }

  retried(record: ConsumedRecord, error: unknown, attempt: number, delayMs: number): void {
    const { events, group, log } = this.options;
    this.#of(record.topic).retried.add(1);
    const fields = { ...placeOf(record), group, attempt, delayMs, error: messageOf(error) };
    log.debug('a record will be tried again', fields);
    events.emit('retry', { group, record, error, attempt, delayMs });
  }

  deadLettered(
    record: ConsumedRecord,
    topic: string | null,
    reason: DeadLetterReason,
    error: unknown,
  ): void {
    const { events, group, log, metrics } = this.options;
    metrics.deadLettered(group, record.topic, reason);
    const what = topic === null ? 'a record is dropped' : 'a record is a dead letter';
    const fields = { ...placeOf(record), group, reason, deadLetterTopic: topic };
    log.warn(what, { ...fields, error: messageOf(error) });
    events.emit('deadLetter', { group, record, topic, reason, error });
  }

  #of(topic: string): TopicNumbers {
    const known = this.#numbers.get(topic);
    if (known !== undefined) return known;
    const numbers = this.options.metrics.numbersOf(this.options.group, topic);
    this.#numbers.set(topic, numbers);
    return numbers;
  }
}

function placeOf({ topic, partition, offset }: ConsumedRecord) {
  return { topic, partition, offset };
}
