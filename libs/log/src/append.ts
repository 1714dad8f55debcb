import { strict as assert } from 'node:assert';
import type { Redis } from '@sluice/redis';
import type { PartitionKeys } from './keys';
import { partitionLimits } from './partition-limits';
import { appendScript } from './scripts';

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
  /** It is in the log already, at this offset. */
  | { kind: 'duplicate'; baseOffset: number }
  /** It is in the log already, but its offset is no longer known (Kafka's error 46). */
  | { kind: 'duplicate-unknown' }
  /** There is a gap before it (45). `expected` is the sequence that would be right. */
  | { kind: 'out-of-order'; expected: number }
  /** The producer id has been used with a newer epoch (47). */
  | { kind: 'fenced-producer' };

/** What became of an append: a result for each batch in order, or all refused alike. */
export type AppendReply =
  | { results: AppendResult[]; logStartOffset: number; logEndOffset: number }
  | { refused: 'fenced-leader' | 'unknown-partition' };

/** Where a log ends. */
export interface LogPosition {
  logEndOffset: number;
  /** The largest timestamp there ever was; -1 before the first. */
  maxTimestampMs: number;
}

/** What the append script answers; see its header. */
export type RawAppendReply =
  | ['all' | 'some', number, number, number, ...number[]]
  | ['moved' | 'fenced-leader' | 'unknown-partition'];

/** On what an append depends; see the script's header. */
export interface AppendConditions {
  /** -1: on no leadership. */
  leaderEpoch: number;
  /** Where the log has to end; null: anywhere. */
  position: LogPosition | null;
  /** The token of the append that has to be the last one done; empty: any. */
  after: string;
  /** What a later append may name in `after`; may be empty. */
  token: string;
}

/** Bytes that the script is given of each batch beside the batch itself; see its header. */
const factsBytes = 30;

/** Runs the append script with the batches; it is sent before this returns its promise. */
export async function runAppend(
  connection: Redis,
  keys: PartitionKeys,
  conditions: AppendConditions,
  batches: readonly AppendBatch[],
): Promise<RawAppendReply> {
  const args = appendArgs(conditions, batches);
  for (const { bytes } of batches) args.push(bytes);
  return (await appendScript.run(connection, appendKeys(keys), args)) as RawAppendReply;
}

/** The script's KEYS. */
export function appendKeys({ meta, log, producers, wake, open }: PartitionKeys): string[] {
  return [meta, log, producers, wake, open];
}

/** The script's ARGV up to the batches themselves. */
export function appendArgs(
  conditions: AppendConditions,
  batches: readonly AppendBatch[],
): (string | Buffer)[] {
  const { leaderEpoch, position, after, token } = conditions;
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
  const end = position === null ? '' : `${position.logEndOffset} ${position.maxTimestampMs}`;
  return [String(leaderEpoch), end, after, token, facts];
}

/** Where a log that ends at `from` ends with the batches added. */
export function advance(from: LogPosition, batches: readonly AppendBatch[]): LogPosition {
  let { logEndOffset, maxTimestampMs } = from;
  for (const batch of batches) {
    logEndOffset += batch.lastOffsetDelta + 1;
    maxTimestampMs = Math.max(maxTimestampMs, batch.maxTimestampMs);
  }
  return { logEndOffset, maxTimestampMs };
}

/** The script's answer in words. */
export function readReply(reply: RawAppendReply, batches: readonly AppendBatch[]): AppendReply {
  switch (reply[0]) {
    case 'all': {
      const [, logStartOffset, logEndOffset] = reply;
      return { results: inARow(batches, logEndOffset), logStartOffset, logEndOffset };
    }
    case 'some': {
      const [, logStartOffset, logEndOffset, , ...verdicts] = reply;
      const results = batches.map((_, i) => readResult(verdicts[2 * i]!, verdicts[2 * i + 1]!));
      return { results, logStartOffset, logEndOffset };
    }
    case 'fenced-leader':
    case 'unknown-partition':
      return { refused: reply[0] };
    default:
      throw new Error(`log/append replied "${reply[0]}"`);
  }
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

/** By the numbers of the script's header. */
function readResult(kind: number, value: number): AppendResult {
  switch (kind) {
    case 0:
      return { kind: 'appended', baseOffset: value };
    case 1:
      return { kind: 'duplicate', baseOffset: value };
    case 2:
      return { kind: 'duplicate-unknown' };
    case 3:
      return { kind: 'out-of-order', expected: value };
    case 4:
      return { kind: 'fenced-producer' };
    default:
      throw new Error(`log/append judged a batch as ${kind}`);
  }
}
