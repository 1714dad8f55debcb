import type { ConsumedRecord, RecordHeader, RecordToSend } from '@sluice/streams';
import { headerText } from '../context/stream-context';
import { reportOf } from '../errors/error-report';
import { isReservedHeader, streamHeaders } from '../headers';
import type { DeadLetterReason } from '../handlers/verdict';
import { transportLimits } from '../transport-limits';

/** Where a record was first written, and what happened to it since. */
export interface Origin {
  topic: string;
  partition: number;
  offset: number;
  timestampMs: number;
  /** Attempts that have failed before this delivery. */
  attempts: number;
  /** Null: it has not failed yet. */
  firstFailureMs: number | null;
}

/** What was wrong with a record, and after how many attempts. */
export interface Failure {
  error: unknown;
  attempts: number;
  /** When the first attempt of this delivery failed. */
  firstFailureMs: number;
  lastFailureMs: number;
}

/** The topic to which a group's records go that are to be tried again later. */
export function retryTopicOf(topic: string, group: string): string {
  return `${topic}.${group}.retry`;
}

/** The topic to which a topic's records go that cannot be handled. */
export function deadLetterTopicOf(topic: string): string {
  return `${topic}.dlq`;
}

/** Where a record comes from: its own place, or of one that came by a retry topic, its first. */
export function originOf(record: ConsumedRecord, isRetry: boolean): Origin {
  const { topic, partition, offset, timestampMs, headers } = record;
  const own = { topic, partition, offset, timestampMs, attempts: 0, firstFailureMs: null };
  const originTopic = headerText(headers, streamHeaders.originTopic);
  if (!isRetry || originTopic === undefined) return own;
  return {
    topic: originTopic,
    partition: numberIn(headers, streamHeaders.originPartition) ?? partition,
    offset: numberIn(headers, streamHeaders.originOffset) ?? offset,
    timestampMs: numberIn(headers, streamHeaders.originTimestamp) ?? timestampMs,
    attempts: numberIn(headers, streamHeaders.attempts) ?? 0,
    firstFailureMs: numberIn(headers, streamHeaders.firstFailure),
  };
}

/** When a record of a retry topic may be handled, ms since 1970; at once where it does not say. */
export function dueMsOf({ headers, timestampMs }: ConsumedRecord): number {
  return timestampMs + (numberIn(headers, streamHeaders.retryDelay) ?? 0);
}

/** The record for the retry topic. Its own headers come along, those of requests too. */
export function retryLetter(
  record: ConsumedRecord,
  group: string,
  origin: Origin,
  failure: Failure,
  delayMs: number,
): RecordToSend {
  return {
    topic: retryTopicOf(origin.topic, group),
    key: record.key,
    value: record.value,
    timestampMs: failure.lastFailureMs,
    headers: [
      ...ownHeaders(record.headers),
      ...storyOf(group, origin, failure),
      header(streamHeaders.retryDelay, Math.round(delayMs)),
    ],
  };
}

/** The record for the dead-letter topic: as it was, and what became of it in headers. */
export function deadLetter(
  record: ConsumedRecord,
  topic: string | null,
  group: string,
  origin: Origin,
  failure: Failure,
  reason: DeadLetterReason,
): RecordToSend {
  const report = reportOf(failure.error);
  return {
    topic: topic ?? deadLetterTopicOf(origin.topic),
    key: record.key,
    value: record.value,
    timestampMs: failure.lastFailureMs,
    headers: [
      ...ownHeaders(record.headers),
      ...storyOf(group, origin, failure),
      header(streamHeaders.reason, reason),
      header(streamHeaders.errorName, report.name),
      header(streamHeaders.errorMessage, report.message),
      header(streamHeaders.errorStack, report.stack),
    ],
  };
}

/** Whether it is a dead letter that this transport made. */
export function isDeadLetter({ headers = [] }: RecordToSend): boolean {
  return headers.some(({ key }) => key === streamHeaders.reason);
}

/**
 * A dead letter with less in it, for a topic that takes no larger one: first without the stack and
 * with a short message, then without its value, then without its key and its own headers. What is
 * left says where the record lies that it was.
 *
 * @returns null when nothing is left that could be left out
 */
export function shorterLetter(letter: RecordToSend): RecordToSend | null {
  const { headers = [], key, value } = letter;
  const { errorMessage, errorStack, valueLeftOut } = streamHeaders;
  if (headers.some((one) => one.key === errorStack)) {
    const { shortErrorMessageLengthMax } = transportLimits;
    const left = headers.filter((one) => one.key !== errorStack && one.key !== errorMessage);
    const message = headerText(headers, errorMessage) ?? '';
    left.push(header(errorMessage, message.slice(0, shortErrorMessageLengthMax)));
    return { ...letter, headers: left };
  }
  if (value !== null) {
    const leftOut = header(valueLeftOut, Buffer.byteLength(value));
    return { ...letter, value: null, headers: [...headers, leftOut] };
  }
  const story = headers.filter((one) => one.key.startsWith('sluice-') && !isMetadata(one));
  if (story.length === headers.length && (key ?? null) === null) return null;
  if (headerText(headers, valueLeftOut) === undefined) story.push(header(valueLeftOut, 0));
  return { ...letter, key: null, headers: story };
}

/**
 * The record that a dead letter was; null when it does not say where it came from, or
 * had to leave a part of it out. The headers that
 * only the transport may write are gone: neither its story nor who once waited for an answer.
 */
export function requeuedLetter(letter: ConsumedRecord): RecordToSend | null {
  const topic = headerText(letter.headers, streamHeaders.originTopic);
  if (topic === undefined || topic === '') return null;
  if (headerText(letter.headers, streamHeaders.valueLeftOut) !== undefined) return null;
  return {
    topic,
    key: letter.key,
    value: letter.value,
    headers: letter.headers.filter((one) => !isReservedHeader(one.key) || isMetadata(one)),
  };
}

function isMetadata({ key }: RecordHeader): boolean {
  return key.startsWith(streamHeaders.metadata);
}

/** All but what this transport says of a record that failed; a forged one goes the same way. */
function ownHeaders(headers: readonly RecordHeader[]): RecordHeader[] {
  return headers.filter((header) => !header.key.startsWith('sluice-') || isMetadata(header));
}

function storyOf(group: string, origin: Origin, failure: Failure): RecordHeader[] {
  return [
    header(streamHeaders.originTopic, origin.topic),
    header(streamHeaders.originPartition, origin.partition),
    header(streamHeaders.originOffset, origin.offset),
    header(streamHeaders.originTimestamp, origin.timestampMs),
    header(streamHeaders.group, group),
    header(streamHeaders.attempts, failure.attempts),
    header(streamHeaders.firstFailure, origin.firstFailureMs ?? failure.firstFailureMs),
    header(streamHeaders.lastFailure, failure.lastFailureMs),
  ];
}

function header(key: string, value: string | number): RecordHeader {
  return { key, value: Buffer.from(String(value)) };
}

function numberIn(headers: readonly RecordHeader[], name: string): number | null {
  const text = headerText(headers, name);
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}
