import { classify, RedisUnavailable, UnknownOutcome, type Shard } from '@sluice/redis';

/** Fewer replicas than the topic asks for are connected: nothing was written (error 19). */
export class NotEnoughReplicas extends Error {
  override name = 'NotEnoughReplicas';
}

/** It is written, but too few replicas have confirmed it in time (error 20). */
export class NotEnoughReplicasAfterAppend extends Error {
  override name = 'NotEnoughReplicasAfterAppend';
}

/**
 * Waits with `WAIT copies timeoutMs` until enough replicas have what was written on the connection
 * of replicated appends (https://redis.io/docs/latest/commands/wait/). It is sent after the
 * append's reply: an append that had to be sent again, because the server had lost the script,
 * would otherwise come after its WAIT. Rejects with NotEnoughReplicasAfterAppend, and with
 * UnknownOutcome when the connection is another one meanwhile, for which WAIT says nothing, and
 * whenever WAIT is refused: it is the question that was not executed then, and not the append.
 */
export async function waitForReplicas(
  shard: Pick<Shard, 'durable'>,
  copies: number,
  timeoutMs: number,
  sameConnection: () => boolean,
): Promise<void> {
  if (!sameConnection()) throw new UnknownOutcome('replication');
  let confirmed: number;
  try {
    confirmed = await shard.durable.wait(copies, timeoutMs);
  } catch (error) {
    throw new UnknownOutcome('replication', { cause: classify(error, 'WAIT') });
  }
  if (confirmed < copies) {
    throw new NotEnoughReplicasAfterAppend(`${confirmed} of ${copies} replicas confirmed in time`);
  }
}

/** Refuses before the write when too few replicas are connected (NOT_ENOUGH_REPLICAS). */
export async function requireReplicas(
  shard: Pick<Shard, 'replicaCount'>,
  copies: number,
): Promise<void> {
  let connected: number;
  try {
    connected = await shard.replicaCount();
  } catch (error) {
    // Whatever became of the question, nothing was written.
    if (!(error instanceof UnknownOutcome)) throw error;
    throw new RedisUnavailable('disconnected', 'the replicas could not be counted', {
      cause: error,
    });
  }
  if (connected < copies) {
    throw new NotEnoughReplicas(`${connected} replicas are connected, ${copies} are needed`);
  }
}
