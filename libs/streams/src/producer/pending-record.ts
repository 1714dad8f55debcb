import { recordBytesMost, type RecordInput } from '@sluice/records';
import type { RecordToSend, SentRecord } from '../api';
import type { Flight } from './outstanding';
import { SendError, type SendErrorCode } from './send-error';

/** Whoever sent it, and the producer, are told what became of a record. */
export interface RecordOwner {
  resolve(sent: SentRecord): void;
  reject(error: SendError): void;
  /** It has its outcome, and needs no memory any more. Told before the two others. */
  settled(record: PendingRecord, error: SendError | null): void;
}

/** A record between `send` and its outcome. */
export class PendingRecord implements RecordInput {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { key: string; value: Buffer | null }[];
  readonly timestampMs: number;
  /** The partition that was asked for; -1: any. */
  readonly askedPartition: number;
  /** The partition that it goes to; -1: not known yet. */
  partition: number;
  /** Bytes that it takes in a batch, at most. */
  readonly bytes: number;
  /** Among which it is counted. */
  flight: Flight | null = null;
  /** It has its outcome, whatever becomes of its batch. */
  isSettled = false;

  /** @param deadlineMs on the monotonic clock */
  constructor(
    given: RecordToSend,
    nowMs: number,
    readonly deadlineMs: number,
    private readonly owner: RecordOwner,
  ) {
    this.topic = given.topic;
    this.key = bytesOf(given.key);
    this.value = bytesOf(given.value);
    this.headers = given.headers ?? noHeaders;
    this.timestampMs = given.timestampMs ?? nowMs;
    this.askedPartition = given.partition ?? -1;
    this.partition = this.askedPartition;
    this.bytes = recordBytesMost(this);
  }

  /** Nothing more is told of it, but it keeps its memory until it is written or not. */
  answerAtOnce(): void {
    const { topic, partition, timestampMs } = this;
    this.owner.resolve({ topic, partition, offset: -1, timestampMs });
  }

  /** @param offset -1: nobody knows it */
  succeed(offset: number, timestampMs: number): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const { topic, partition, owner } = this;
    owner.settled(this, null);
    owner.resolve({ topic, partition, offset, timestampMs });
  }

  fail(code: SendErrorCode, reason: string, options: FailOptions = {}): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const { topic, partition, owner } = this;
    const error = new SendError(code, reason, { topic, partition, ...options });
    owner.settled(this, error);
    owner.reject(error);
  }
}

interface FailOptions extends ErrorOptions {
  mayBeWritten?: boolean;
}

const noHeaders: PendingRecord['headers'] = [];

function bytesOf(value: Buffer | string | null | undefined): Buffer | null {
  if (typeof value === 'string') return Buffer.from(value);
  return value ?? null;
}

/** Why a record cannot be one, whatever its topic says; null where it can. */
export function recordProblem(record: RecordToSend): string | null {
  const { topic, key, value, headers, partition, timestampMs } = record;
  if (typeof topic !== 'string' || topic === '') return 'its topic is missing';
  if (!isBytes(key ?? null)) return 'its key is neither a string, nor a Buffer, nor null';
  if (!isBytes(value ?? null)) return 'its value is neither a string, nor a Buffer, nor null';
  if (partition !== undefined && !(Number.isSafeInteger(partition) && partition >= 0)) {
    return `its partition is ${String(partition)}`;
  }
  if (timestampMs !== undefined && !(Number.isSafeInteger(timestampMs) && timestampMs >= -1)) {
    return `its timestamp is ${String(timestampMs)}`;
  }
  if (headers === undefined) return null;
  const wrong = headers.find(
    (header) =>
      typeof header.key !== 'string' || !(header.value === null || Buffer.isBuffer(header.value)),
  );
  return wrong === undefined ? null : `a header '${String(wrong.key)}' is neither Buffer nor null`;
}

function isBytes(value: unknown): boolean {
  return value === null || typeof value === 'string' || Buffer.isBuffer(value);
}
