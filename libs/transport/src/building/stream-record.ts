import type { RecordHeader } from '@sluice/streams';
import { isReservedHeader } from '../headers';

/** The same mark in every copy of the package. */
const mark: unique symbol = Symbol.for('sluice:stream-record') as never;

/** What a header may be given as; text becomes UTF-8. */
export type HeaderValue = Buffer | string | number | boolean | null;

/** What belongs to a record beside its value. */
export interface StreamRecordOptions {
  /** Records of one key meet the same partition, in order. */
  key?: Buffer | string | null;
  /** In place of the one that the key leads to. */
  partition?: number;
  headers?: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
  /** Milliseconds since 1970; without it the time of sending. */
  timestampMs?: number;
}

/**
 * A value with what belongs to it, to be given to a client in place of the value alone:
 *
 *     client.emit('orders', new StreamRecord(order, { key: order.customer }))
 *
 * A value of null is a record without a value (in a compacted topic: the key is deleted).
 */
export class StreamRecord<Value = unknown> {
  readonly [mark] = true;
  readonly key: Buffer | string | null;
  readonly partition: number | undefined;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs: number | undefined;

  /** @throws TypeError for a header whose name is the transport's own, or of another type */
  constructor(
    readonly value: Value,
    { key = null, partition, headers = {}, timestampMs }: StreamRecordOptions = {},
  ) {
    this.key = key;
    this.partition = partition;
    this.headers = headersOf(headers);
    this.timestampMs = timestampMs;
  }
}

/** Whether it is a `StreamRecord`, also of another copy of this package. */
export function isStreamRecord(data: unknown): data is StreamRecord {
  return typeof data === 'object' && data !== null && mark in data;
}

/** Makes a `StreamRecord` step by step, as NestJS' own record builders do. */
export class StreamRecordBuilder<Value = unknown> {
  #options: StreamRecordOptions = {};

  constructor(private value: Value) {}

  setValue(value: Value): this {
    this.value = value;
    return this;
  }

  setKey(key: Buffer | string | null): this {
    return this.#with({ key });
  }

  setPartition(partition: number): this {
    return this.#with({ partition });
  }

  /** Milliseconds since 1970. */
  setTimestamp(timestampMs: number): this {
    return this.#with({ timestampMs });
  }

  /** In place of all headers before. */
  setHeaders(headers: StreamRecordOptions['headers']): this {
    return this.#with({ headers });
  }

  setHeader(name: string, value: HeaderValue | readonly HeaderValue[]): this {
    return this.#with({ headers: { ...this.#options.headers, [name]: value } });
  }

  /** @throws TypeError as `StreamRecord` */
  build(): StreamRecord<Value> {
    return new StreamRecord(this.value, this.#options);
  }

  #with(more: StreamRecordOptions): this {
    this.#options = { ...this.#options, ...more };
    return this;
  }
}

function headersOf(given: NonNullable<StreamRecordOptions['headers']>): RecordHeader[] {
  return Object.entries(given).flatMap(([key, values]) => {
    if (isReservedHeader(key)) {
      throw new TypeError(`the header '${key}' is the transport's own; choose another name`);
    }
    const list = Array.isArray(values) ? (values as readonly HeaderValue[]) : [values];
    return list.map((value) => ({ key, value: bytesOf(key, value as HeaderValue) }));
  });
}

function bytesOf(key: string, value: HeaderValue): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  if (['string', 'number', 'boolean'].includes(typeof value)) return Buffer.from(String(value));
  throw new TypeError(`the header '${key}' is neither text, a number, a boolean, bytes nor null`);
}
