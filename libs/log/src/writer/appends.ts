import { strict as assert } from 'node:assert';
import type { Redis } from '@sluice/redis';
import type { PartitionKeys } from '../keys';
import type { PartitionLimits } from '../partition-limits';
import type { AppendScriptReply } from '../scripts';
import {
  readReply,
  runAppend,
  type AppendBatch,
  type AppendReply,
  type AppendTerms,
  type LogPosition,
} from './append-call';
import { allowsTransactions, appendDirect } from './direct-append';

/** Whether transactions may be used; asked for once, when it first matters. */
export class Transactions {
  private state: 'unknown' | 'asked' | 'allowed' = 'unknown';

  constructor(private readonly redis: Redis) {}

  /** False while that is not known. */
  get allowed(): boolean {
    if (this.state === 'unknown') void this.ask();
    return this.state === 'allowed';
  }

  private async ask(): Promise<void> {
    this.state = 'asked';
    this.state = (await allowsTransactions(this.redis)) ? 'allowed' : 'unknown';
  }
}

/**
 * The append calls of one writer to one partition, one after the other: the next is made once the
 * former is answered. Small batches go through the append script; large ones past Lua, which takes
 * knowing where the log ends. The last answer told, unless another writer has come in between.
 */
export class Appends {
  /** Where the log ends; null: no idea. */
  private end: LogPosition | null = null;
  /** How many more calls go through Lua, because another writer came in between. */
  private plainLeft = 0;

  constructor(
    private readonly keys: PartitionKeys,
    private readonly limits: PartitionLimits,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Appends batches in one step, in their order; each is judged by itself as Kafka's broker does
   * it, and the refusal of one does not stop those behind it. The first command is sent before this
   * returns its promise; there may be a second.
   *
   * @throws RedisUnavailable when nothing was executed, UnknownOutcome when it may have been
   */
  async append(
    connection: Redis,
    terms: AppendTerms,
    batches: readonly AppendBatch[],
  ): Promise<AppendReply> {
    const { end, keys } = this;
    // Whatever becomes of this call, without an answer there is no telling.
    this.end = null;
    let reply: AppendScriptReply = { tag: 'moved' };
    if (end !== null && isLarge(batches, this.limits) && this.mayGoDirect()) {
      reply = await appendDirect(connection, keys, { terms, position: end }, batches);
      if (reply.tag === 'moved') this.plainLeft = this.limits.plainAppendsAfterMove;
    }
    if (reply.tag === 'moved') reply = await runAppend(connection, keys, terms, batches);
    // It was asked of no position.
    assert(reply.tag !== 'moved');
    if (reply.tag === 'all' || reply.tag === 'some') {
      this.end = { logEndOffset: reply.logEnd, maxTimestampMs: reply.maxTimestamp };
    }
    return readReply(reply, batches);
  }

  private mayGoDirect(): boolean {
    if (this.plainLeft > 0) {
      this.plainLeft--;
      return false;
    }
    return this.transactions.allowed;
  }
}

/** Where the XADDs of a transaction cost less than what Lua does to the bytes. */
function isLarge(batches: readonly AppendBatch[], limits: PartitionLimits): boolean {
  let bytes = 0;
  for (const batch of batches) bytes += batch.bytes.length;
  const { directBytesMin, directBatchBytesMin } = limits;
  return bytes >= directBytesMin && bytes >= directBatchBytesMin * batches.length;
}
