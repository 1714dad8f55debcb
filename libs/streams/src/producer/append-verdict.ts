import {
  appendRefusalCode,
  appendResultCode,
  NotEnoughReplicasAfterAppend,
  storageErrorCode,
  type AppendOutcome,
} from '@sluice/log';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { ErrorCode } from '@sluice/wire';
import { codeNamed, type SendErrorCode } from './send-error';

/** What an append came to. */
export type Verdict =
  /** It is in the log. -1: no longer known where. `storedMs`: its largest time; -1: not known. */
  | { is: 'written'; baseOffset: number; storedMs: number }
  /** The log does not know what this producer wrote before; the batch is not there. */
  | { is: 'forgotten' }
  /** It surely is not there, and may be later. */
  | Failure<'not-written'>
  /** It may be there. */
  | Failure<'in-doubt'>
  /** It will not be there, however often it is sent. */
  | Failure<'refused'>
  /** There is no such partition any more. */
  | Failure<'gone'>;

/** An append that failed, and why. */
export interface Failure<Kind extends string> {
  is: Kind;
  code: SendErrorCode;
  reason: string;
  cause?: unknown;
}

/** Of a topic that is not there any more. */
export const topicDeleted: Failure<'gone'> = {
  is: 'gone',
  code: codeNamed(appendRefusalCode('unknown-partition')),
  reason: 'the topic was deleted',
};

/** Judges what a `PartitionWriter` tells of a batch. */
export function verdictOn(outcome: AppendOutcome | null, error: unknown): Verdict {
  if (outcome === null) return verdictOnError(error);
  if ('refused' in outcome) {
    if (outcome.refused === 'fenced-leader') {
      return { is: 'refused', code: 'PRODUCER_CLOSED', reason: 'the connection was closed' };
    }
    return topicDeleted;
  }
  const { result } = outcome;
  switch (result.kind) {
    case 'appended':
      return { is: 'written', baseOffset: result.baseOffset, storedMs: -1 };
    case 'duplicate':
      return { is: 'written', baseOffset: result.baseOffset, storedMs: result.maxTimestampMs };
    case 'duplicate-unknown':
      return { is: 'written', baseOffset: -1, storedMs: -1 };
    case 'out-of-order':
    case 'fenced-producer':
      return { is: 'forgotten' };
    case 'invalid-timestamp': {
      const code = codeNamed(appendResultCode(result));
      return { is: 'refused', code, reason: 'its timestamp is beyond 2^53 ms' };
    }
  }
}

/** What does not go away by itself while a record waits. */
const lasting: ReadonlySet<string> = new Set(['denied', 'emptied', 'newer-format']);

/** Judges an error of Redis. */
export function verdictOnError(
  error: unknown,
): Failure<'in-doubt'> | Failure<'not-written'> | Failure<'refused'> {
  const reason = error instanceof Error ? error.message : String(error);
  const code = codeNamed(storageErrorCode(error) ?? ErrorCode.UNKNOWN_SERVER_ERROR);
  const failure = { code, reason, cause: error };
  const mayBeThere =
    error instanceof UnknownOutcome || error instanceof NotEnoughReplicasAfterAppend;
  if (mayBeThere) return { is: 'in-doubt', ...failure };
  const isLasting = error instanceof RedisUnavailable && lasting.has(error.reason);
  const isOurs = storageErrorCode(error) === undefined;
  return { is: isLasting || isOurs ? 'refused' : 'not-written', ...failure };
}
