import type { Clock, Logger } from '@sluice/base';
import { attempt, UnknownOutcome, type Redis } from '@sluice/redis';
import { readBounds } from '../bounds';
import { partitionKeys, registryKeys, type PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { recoverScript } from '../scripts';
import { registryMark } from '../topics/topic';
import type { KnownEnd, KnownEnds } from './known-ends';
import { newerFormat } from './newer-format';

/** What a recovery works on. */
export interface RecoveryScope {
  /** The server whose partitions are made ready. */
  redis: Redis;
  /** For the registry of topics, which may be on another server. */
  registry?: Redis;
  /** Whether a key is on the server; without it, all are. */
  isHere?: (key: string) => boolean;
  keyPrefix: string;
  /** Names the history that the server is on now. */
  history: string;
  /** See `reservationTerms`. */
  reservation: string;
  clock: Clock;
  log: Logger;
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
  const { topics } = registryKeys(scope.keyPrefix);
  const { redis, registry = redis } = scope;
  const stored = await attempt('log.recover', registry.hgetall(topics));
  const targets: Target[] = [];
  for (const [field, text] of Object.entries(stored)) {
    if (field === registryMark) continue;
    const topic = readTopic(text);
    if (topic === null) {
      scope.log.error('a topic cannot be read, so it is not made ready after a loss', { field });
      continue;
    }
    const { name, id, prepared } = topic;
    for (let partition = 0; partition < prepared; partition++) {
      const ref = { topic: name, topicId: id, partition };
      if (isHere(scope, ref)) targets.push({ ref, target: 'reserved' });
    }
  }
  return recover(scope, targets, () => {});
}

/** Also of a newer form: whoever reads it later relies on this. Null: it cannot be read at all. */
function readTopic(text: string): { name: string; id: string; prepared: number } | null {
  try {
    return JSON.parse(text) as { name: string; id: string; prepared: number };
  } catch {
    return null;
  }
}

/**
 * True where a server has none of the partitions that this process has appended to there. One that
 * has lost its last writes has them all; they are older.
 */
export async function lacksAll(scope: RecoveryScope, ends: KnownEnds): Promise<boolean> {
  const here = [...ends].filter(({ ref, logEndOffset }) => logEndOffset > 0 && isHere(scope, ref));
  const asked = here.slice(0, partitionLimits.recoverPartitionsMax).map(({ ref }) => {
    const { meta } = partitionKeys(scope.keyPrefix, ref);
    return attempt('log.recover', scope.redis.exists(meta));
  });
  const found = await Promise.all(asked);
  return found.length > 0 && found.every((count) => count === 0);
}

/** Lets partitions that end before where they are known to have ended go on there. */
export async function recoverKnown(scope: RecoveryScope, ends: KnownEnds): Promise<Recovered> {
  const here = [...ends].filter(({ ref }) => isHere(scope, ref));
  const known = await Promise.all(here.map((one) => targetOf(scope, one)));
  return recover(scope, known, ({ ref }, logEnd) => ends.of(ref).reached(logEnd));
}

function isHere({ isHere: isOn = () => true, keyPrefix }: RecoveryScope, ref: PartitionRef) {
  return isOn(partitionKeys(keyPrefix, ref).meta);
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
