import { BaseRpcContext } from '@nestjs/microservices';
import type { ConsumedRecord, OwnedPartition, RecordHeader } from '@sluice/streams';
import { streamHeaders } from '../headers';
import { isDelayMs } from './delay';

/** What the handler asked for, in place of what its return or its error would mean. */
export type StreamAction =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'dead-letter'; readonly reason: string }
  | { readonly kind: 'retry'; readonly delayMs: number | undefined; readonly isFailure: boolean };

/** What the context needs of the attempt that it belongs to. */
export interface StreamAttempt {
  readonly records: readonly ConsumedRecord[];
  readonly partition: OwnedPartition;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborted when the work is to be given up. Only made where it is asked for. */
  signal(): AbortSignal;
  /** The handler asked for something; an error where it is too late. */
  act(action: StreamAction): void;
}

/** Marks contexts of every copy of this package. */
const brand = Symbol.for('sluice:stream-context');

/**
 * What a handler may know of the record that it was given, and ask for: the parameter `@Ctx()`.
 * With batch handlers it speaks of the first record; `getRecords` has all of them.
 */
export class StreamContext extends BaseRpcContext<[StreamAttempt]> {
  readonly [brand] = true;

  constructor(attempt: StreamAttempt) {
    super([attempt]);
  }

  getTopic(): string {
    return this.getRecord().topic;
  }

  getPartition(): number {
    return this.getRecord().partition;
  }

  getOffset(): number {
    return this.getRecord().offset;
  }

  /** The record's key as text; null where it has none. Its bytes are in `getRecord().key`. */
  getKey(): string | null {
    return this.getRecord().key?.toString() ?? null;
  }

  /** Milliseconds since 1970, as the producer or the log set them. */
  getTimestamp(): number {
    return this.getRecord().timestampMs;
  }

  /** All headers as text, by name; of several with one name the last. */
  getHeaders(): Record<string, string> {
    return Object.fromEntries(
      this.getRecord().headers.map(({ key, value }) => [key, value?.toString() ?? '']),
    );
  }

  /** The header of that name as text, the last of several; undefined where there is none. */
  getHeader(name: string): string | undefined {
    return headerText(this.getRecord().headers, name);
  }

  /** The record as it was read. */
  getRecord(): ConsumedRecord {
    return this.args[0].records[0]!;
  }

  /** The records of the batch; of a handler without batches, its one. */
  getRecords(): readonly ConsumedRecord[] {
    return this.args[0].records;
  }

  /** 1 the first time that the handler gets this record from this member. */
  getAttempt(): number {
    return this.args[0].attempt;
  }

  /** Somebody may have been given it before: a member that went away without acknowledging it. */
  mayBeRepeated(): boolean {
    return this.getRecords().some(({ mayBeRepeated }) => mayBeRepeated);
  }

  getGroup(): string {
    return this.args[0].partition.group;
  }

  getMemberId(): string {
    return this.args[0].partition.memberId;
  }

  /** Records of the partition that the group has not acknowledged yet, this one among them. */
  getLag(): number {
    return this.args[0].partition.lag();
  }

  /** What the sender's `setOnDispatchHook` gave along. */
  getMetadata(): Record<string, string> {
    const { metadata } = streamHeaders;
    return Object.fromEntries(
      this.getRecord()
        .headers.filter(({ key }) => key.startsWith(metadata))
        .map(({ key, value }) => [key.slice(metadata.length), value?.toString() ?? '']),
    );
  }

  /**
   * Aborted when whatever the handler still does is in vain: the partition belongs to another, its
   * time is over, or the process does not wait any longer.
   */
  get signal(): AbortSignal {
    return this.args[0].signal();
  }

  /** Aborted when the partition is about to be let go, and an early end would be welcome. */
  get stopping(): AbortSignal {
    return this.args[0].partition.stopping;
  }

  /** It is dealt with, whatever becomes of the handler from here on. */
  ack(): void {
    this.args[0].act({ kind: 'acknowledge' });
  }

  /** Not to be handled at all; acknowledged when the handler ends, with a line in the log. */
  skip(reason: string): void {
    this.args[0].act({ kind: 'skip', reason });
  }

  /** To the dead-letter topic, when the handler ends. */
  deadLetter(reason: string): void {
    this.args[0].act({ kind: 'dead-letter', reason });
  }

  /**
   * To be handled again, when the handler has ended and the delay is over, else as the handler's
   * `retry` says. It counts as an attempt, and after the last one the record is a dead letter; not
   * so where `isFailure` is false, as for a rate limit of somebody else.
   *
   * @throws RangeError for a delay that is no number of milliseconds
   */
  retry(options: { delayMs?: number; isFailure?: boolean } = {}): void {
    const { delayMs, isFailure = true } = options;
    if (delayMs !== undefined && !isDelayMs(delayMs)) {
      throw new RangeError(`retry() was asked for a delay of ${delayMs} ms`);
    }
    this.args[0].act({ kind: 'retry', delayMs, isFailure });
  }
}

/** Whether it is a context of this transport, of whatever copy of this package. */
export function isStreamContext(value: unknown): value is StreamContext {
  return typeof value === 'object' && value !== null && brand in value;
}

/** The last header of that name, as text. */
export function headerText(headers: readonly RecordHeader[], name: string): string | undefined {
  for (let at = headers.length - 1; at >= 0; at--) {
    const header = headers[at]!;
    if (header.key === name) return header.value?.toString() ?? '';
  }
  return undefined;
}
