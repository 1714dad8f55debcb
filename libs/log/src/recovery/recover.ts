import type { Clock } from '@sluice/base';
import { UnknownOutcome } from '@sluice/redis';
import { readBounds } from '../bounds';
import { partitionKeys, type PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { recoverScript } from '../scripts';
import type { KnownEnd, KnownEnds } from './known-ends';
import { newerFormat } from './newer-format';
import { isHere, partitionsOf, type ServerScope } from './server-partitions';

/** What a recovery works on: the server whose partitions are made ready. */
export interface RecoveryScope extends ServerScope {
  /** Names the history that the server is on now. */
  history: string;
  /** See `reservationTerms`. */
  reservation: string;
  clock: Clock;
}

/** How much has moved. */
export interface Recovered {
  partitions: number;
  moved: number;
  /** Offsets that will not be given out, of all partitions together. */
  skippedOffsets: number;
}

type Target = { ref: PartitionRef; target: number | 'reserved' };

/** Lets every partition go on at the bound up to which its offsets may have been given out. */
export async function recoverAll(scope: RecoveryScope): Promise<Recovered> {
  const refs = await partitionsOf(scope, 'prepared');
  const targets = refs.map((ref): Target => ({ ref, target: 'reserved' }));
  return recover(scope, targets, () => {});
}

/** Lets partitions that end before where they are known to have ended go on there. */
export async function recoverKnown(scope: RecoveryScope, ends: KnownEnds): Promise<Recovered> {
  const here = [...ends].filter(({ ref }) => isHere(scope, ref));
  const known = await Promise.all(here.map((one) => targetOf(scope, one)));
  return recover(scope, known, ({ ref }, logEnd) => ends.of(ref).reached(logEnd));
}

async function targetOf({ redis, keyPrefix }: RecoveryScope, end: KnownEnd): Promise<Target> {
  const { ref, logEndOffset, inDoubt } = end;
  if (logEndOffset >= 0) return { ref, target: logEndOffset + inDoubt };
  const bounds = await readBounds(redis, partitionKeys(keyPrefix, ref));
  return { ref, target: (bounds?.logEndOffset ?? 0) + inDoubt };
}

/** A bounded number at a time, so that a full pipeline never keeps Redis from others for long. */
async function recover(
  scope: RecoveryScope,
  targets: readonly Target[],
  onMoved: (target: Target, logEnd: number) => void,
): Promise<Recovered> {
  const { clock, log } = scope;
  const { recoverPartitionsMax, recoverProgressMs } = partitionLimits;
  const total = { partitions: targets.length, moved: 0, skippedOffsets: 0 };
  let toldMs = clock.monotonicMs();
  for (let at = 0; at < targets.length; at += recoverPartitionsMax) {
    const step = targets.slice(at, at + recoverPartitionsMax);
    const replies = await Promise.all(step.map((one) => recoverOne(scope, one)));
    replies.forEach((reply, i) => {
      if (reply?.tag !== 'moved') return;
      total.moved++;
      total.skippedOffsets += reply.logEnd - reply.from;
      onMoved(step[i]!, reply.logEnd);
    });
    if (clock.monotonicMs() - toldMs < recoverProgressMs) continue;
    toldMs = clock.monotonicMs();
    log.info('partitions are made ready after a loss', { done: at, of: targets.length });
  }
  return total;
}

/** Null: that partition alone cannot be served, whatever is done; the log says why. */
async function recoverOne(scope: RecoveryScope, { ref, target }: Target) {
  const { redis, keyPrefix, history, reservation, log } = scope;
  const keys = partitionKeys(keyPrefix, ref);
  const { leaderEpochsMax: epochsMax } = partitionLimits;
  const args = { target, history, reservation, epochsMax, wake: keys.wake };
  try {
    const reply = await recoverScript.call(redis, keys, args);
    if (reply.tag !== 'newer-format') return reply;
    log.error('a partition was not made ready after a loss', {
      error: newerFormat(keys.meta).message,
    });
  } catch (error) {
    // The script has failed on what is stored there, as those that append do.
    if (!(error instanceof UnknownOutcome && error.isAnswered)) throw error;
    log.error('a partition could not be made ready after a loss', {
      key: keys.meta,
      error: error.message,
    });
  }
  return null;
}
