import { strict as assert } from 'node:assert';
import { UnknownOutcome, type Redis } from '@sluice/redis';
import type { PartitionKeys } from '../keys';
import { partitionLimits } from '../partition-limits';
import { appendScript, type AppendScriptReply } from '../scripts';

/** A record batch to be appended, with what the append script has to know of its header. */
export interface AppendBatch {
  /**
   * The whole batch. Its base offset and leader epoch may be anything: they are stamped on reading.
   */
  bytes: Buffer;
  lastOffsetDelta: number;
  maxTimestampMs: number;
  /** -1: not of an idempotent producer; then epoch and sequence are not looked at. */
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
}

/** What became of one batch. */
export type AppendResult =
  | { kind: 'appended'; baseOffset: number }
  /** It is in the log already, at this offset and with this largest timestamp; -1: it is gone. */
  | { kind: 'duplicate'; baseOffset: number; maxTimestampMs: number }
  /** It is in the log already, but its offset is no longer known (Kafka's error 46). */
  | { kind: 'duplicate-unknown' }
  /** There is a gap before it (45). `expected` is the sequence that would be right. */
  | { kind: 'out-of-order'; expected: number }
  /** The producer id has been used with a newer epoch (47). */
  | { kind: 'fenced-producer' }
  /** Its largest timestamp is beyond 2^53 ms and could not be kept exactly (32). */
  | { kind: 'invalid-timestamp' };

/** Why nothing of a call was appended. */
export type AppendRefusal = 'fenced-leader' | 'unknown-partition';

/** What became of an append: a result for each batch in order, or all refused alike. */
export type AppendReply =
  | {
      results: AppendResult[];
      logStartOffset: number;
      logEndOffset: number;
      leaderEpoch: number;
    }
  | { refused: AppendRefusal };

/** Where a log ends. */
export interface LogPosition {
  logEndOffset: number;
  /** The largest timestamp there ever was; -1 before the first. */
  maxTimestampMs: number;
}

/** On what an append depends, and what it has to see to; see the script's header. */
export interface AppendTerms {
  /** -1: on no leadership. */
  leadership: number;
  /**
   * How far the log is known to be confirmed, -1 where nothing is known, so that readers get what
   * is appended once that is, too. Null: the topic asks for nothing.
   */
  confirmed: number | null;
}

/** The same, with what all calls of a writer have in common. */
export interface SentTerms extends AppendTerms {
  /** How many offsets are kept free; see `reservationTerms`. */
  reservation: string;
}

/** Bytes that the script is given of each batch beside the batch itself; see its header. */
const factsBytes = 30;

/** Runs the append script with the batches; it is sent before this returns its promise. */
export function runAppend(
  connection: Redis,
  keys: PartitionKeys,
  terms: SentTerms,
  batches: readonly AppendBatch[],
): Promise<AppendScriptReply> {
  const { meta, log, producers, spans } = keys;
  const args = appendArgs(keys, terms, null, batches);
  args.batches = batches.map(({ bytes }) => bytes);
  return appendScript.call(connection, { meta, log, producers, spans, open: [] }, args);
}

/**
 * The script's arguments, but for the batches themselves.
 *
 * @param position where the log has to end; null: anywhere
 */
export function appendArgs(
  { wake }: PartitionKeys,
  { leadership, confirmed, reservation }: SentTerms,
  position: LogPosition | null,
  batches: readonly AppendBatch[],
) {
  const count = batches.length;
  assert(count > 0 && count <= partitionLimits.appendBatchesMax, `${count} batches in an append`);
  const facts = Buffer.allocUnsafe(count * factsBytes);
  let at = 0;
  for (const batch of batches) {
    at = facts.writeInt32LE(batch.lastOffsetDelta, at);
    at = facts.writeDoubleLE(batch.maxTimestampMs, at);
    at = facts.writeDoubleLE(batch.producerId, at);
    at = facts.writeInt16LE(batch.producerEpoch, at);
    at = facts.writeInt32LE(batch.baseSequence, at);
    at = facts.writeUInt32LE(batch.bytes.length, at);
  }
  return {
    leadership,
    position: position === null ? '' : `${position.logEndOffset} ${position.maxTimestampMs}`,
    confirmed: confirmed ?? '',
    wake,
    reservation,
    facts,
    batches: [] as Buffer[],
  };
}

/** The script's answer in words; the others are not for whoever appends. */
export function readReply(
  reply: Exclude<AppendScriptReply, { tag: 'moved' | 'unfit' | 'wait' | 'newer-format' }>,
  batches: readonly AppendBatch[],
): AppendReply {
  switch (reply.tag) {
    case 'all': {
      return { results: inARow(batches, reply.logEnd), ...boundsOf(reply) };
    }
    case 'some': {
      const { verdicts } = reply;
      const times = reply.times.values();
      const results = batches.map((_, i) => {
        return readResult(verdicts[2 * i]!, verdicts[2 * i + 1]!, times);
      });
      return { results, ...boundsOf(reply) };
    }
    default:
      return { refused: reply.tag };
  }
}

function boundsOf(reply: { logStart: number; logEnd: number; epoch: number }) {
  const { logStart: logStartOffset, logEnd: logEndOffset, epoch: leaderEpoch } = reply;
  return { logStartOffset, logEndOffset, leaderEpoch };
}

/** True where some batch of a call is in the log now, by this call or by an earlier one. */
export function isAnyStored(reply: AppendReply): boolean {
  if ('refused' in reply) return false;
  return reply.results.some(isStored);
}

/** True where the batch is in the log now, by this call or by an earlier one. */
export function isStored({ kind }: AppendResult): boolean {
  return kind === 'appended' || kind === 'duplicate' || kind === 'duplicate-unknown';
}

/** The results of batches that were all appended, the last of them just before `logEndOffset`. */
function inARow(batches: readonly AppendBatch[], logEndOffset: number): AppendResult[] {
  let baseOffset = logEndOffset;
  for (const { lastOffsetDelta } of batches) baseOffset -= lastOffsetDelta + 1;
  return batches.map(({ lastOffsetDelta }) => {
    const result: AppendResult = { kind: 'appended', baseOffset };
    baseOffset += lastOffsetDelta + 1;
    return result;
  });
}

/** By the numbers of the script's header; duplicates take the next of `times`. */
function readResult(kind: number, value: number, times: Iterator<number>): AppendResult {
  switch (kind) {
    case 0:
      return { kind: 'appended', baseOffset: value };
    case 1:
      return { kind: 'duplicate', baseOffset: value, maxTimestampMs: times.next().value! };
    case 2:
      return { kind: 'duplicate-unknown' };
    case 3:
      return { kind: 'out-of-order', expected: value };
    case 4:
      return { kind: 'fenced-producer' };
    case 5:
      return { kind: 'invalid-timestamp' };
    default:
      throw new UnknownOutcome(appendScript.name, {
        cause: new Error(`log/append judged a batch as ${kind}`),
      });
  }
}
