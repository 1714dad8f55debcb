import type { RecordHeader, RecordToSend } from '@sluice/streams';
import { streamHeaders } from '../headers';
import { isStreamRecord } from '../building/stream-record';
import type { StreamSerializer } from '../serialization/serialization';
import { traceHeaders } from '../tracing/trace-headers';

/** What a client is to send: the parts of a packet of Nest's. */
export interface Outgoing {
  topic: string;
  /** A value, or a `StreamRecord` with one. */
  data: unknown;
  /** Of the packet, from whoever instruments the client. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * The record for what is to be sent.
 *
 * @throws whatever the serialiser throws
 */
export function recordOf(
  outgoing: Outgoing,
  serializer: StreamSerializer,
): RecordToSend | Promise<RecordToSend> {
  const { topic, data } = outgoing;
  const given = isStreamRecord(data) ? data : null;
  const { key = null, partition, timestampMs } = given ?? {};
  const headers = headersOf(outgoing, given?.headers ?? []);
  const withValue = (value: Buffer | null): RecordToSend => {
    return { topic, key, value, headers, partition, timestampMs };
  };
  const content = given === null ? data : given.value;
  // As in Kafka, null is no value at all, whatever the format of values.
  const value = content === null ? null : serializer.serialize(content, topic);
  return value instanceof Promise ? value.then(withValue) : withValue(value);
}

/** The same record as a request. */
export function requestOf(
  { topic, key, value, headers = [], partition, timestampMs }: RecordToSend,
  { correlationId, address }: { correlationId: string; address: string },
): RecordToSend {
  const asked = [
    ...headers,
    { key: streamHeaders.correlationId, value: Buffer.from(correlationId) },
    { key: streamHeaders.replyStream, value: Buffer.from(address) },
  ];
  return { topic, key, value, headers: asked, partition, timestampMs };
}

/** Those of the record come first; a trace that it names itself is left alone. */
function headersOf({ metadata }: Outgoing, own: readonly RecordHeader[]): readonly RecordHeader[] {
  const trace = Object.entries(traceHeaders());
  if (trace.length === 0 && metadata === undefined) return own;
  const headers = [...own];
  const add = (key: string, text: string): void => {
    headers.push({ key, value: Buffer.from(text) });
  };
  for (const [key, text] of trace) {
    if (!own.some((header) => header.key === key)) add(key, text);
  }
  for (const [key, text] of Object.entries(metadata ?? {})) {
    add(`${streamHeaders.metadata}${key}`, text);
  }
  return headers;
}
