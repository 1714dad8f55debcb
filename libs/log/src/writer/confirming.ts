import { classify, diskProblem, UnknownOutcome, type Redis, type Shard } from '@sluice/redis';
import type { Confirmation } from '../configs/confirmation';
import {
  NotEnoughReplicas,
  NotEnoughReplicasAfterAppend,
  requireReplicas,
  waitForReplicas,
} from './replication';

/** How what a topic asks for is confirmed. */
export interface Confirming {
  /** What is to be confirmed is written here. */
  connection: Redis;
  /**
   * Resolves once all that was written on the connection is confirmed; rejects as
   * `waitForReplicas`.
   */
  confirm(sameConnection: () => boolean): Promise<void>;
}

/**
 * Sees to it that what a topic asks for can be had.
 *
 * @throws NotEnoughReplicas | RedisUnavailable: nothing may be written
 */
export async function requireConfirming(
  shard: Shard,
  { copies, disk }: Confirmation,
): Promise<void> {
  if (copies > 0) await requireReplicas(shard, copies);
  if (disk === 'none') return;
  const problem = await diskProblem([shard], copies);
  if (problem !== null) throw new NotEnoughReplicas(problem);
}

/** How it is confirmed, after `requireConfirming`. */
export function confirmingOf(
  shard: Shard,
  { copies, disk }: Confirmation,
  timeoutMs: number,
): Confirming {
  if (disk === 'none') {
    const confirm = (same: () => boolean) => waitForReplicas(shard, copies, timeoutMs, same);
    return { connection: shard.durable, confirm };
  }
  // Then the answer to the write has said it.
  if (shard.knownDiskWord === 'always') {
    return { connection: shard.write, confirm: () => Promise.resolve() };
  }
  const confirm = (same: () => boolean) => waitForDisks(shard, copies, timeoutMs, same);
  return { connection: shard.disk, confirm };
}

/** As `waitForReplicas`, until it is on the disks of the primary and of so many replicas. */
async function waitForDisks(
  shard: Pick<Shard, 'disk'>,
  copies: number,
  timeoutMs: number,
  sameConnection: () => boolean,
): Promise<void> {
  if (!sameConnection()) throw new UnknownOutcome('replication');
  let disks: [number, number];
  try {
    disks = await shard.disk.waitAof(copies, timeoutMs);
  } catch (error) {
    throw new UnknownOutcome('replication', { cause: classify(error, 'WAITAOF') });
  }
  const [own, others] = disks;
  if (own >= 1 && others >= copies) return;
  const message = `${own + others} of ${copies + 1} disks had it in time`;
  throw new NotEnoughReplicasAfterAppend(message);
}
