import { strict as assert } from 'node:assert';
import type { Clock } from '@sluice/base';
import { RedisUnavailable, UnknownOutcome, type Redis } from '@sluice/redis';
import type { PartitionKeys } from '../keys';
import type { PartitionLimits } from '../partition-limits';
import type { EndNotes } from '../recovery/known-ends';
import { newerFormat } from '../recovery/newer-format';
import type { AppendScriptReply } from '../scripts';
import {
  readReply,
  runAppend,
  type AppendBatch,
  type AppendReply,
  type AppendTerms,
  type LogPosition,
  type SentTerms,
} from './append-call';
import { silentMeter, type AppendMeter } from './append-meter';
import { allowsTransactions, appendDirect } from './direct-append';
import { Neighbours } from './neighbours';

/** Whether transactions may be used; asked for once a connection, when it first matters. */
export class Transactions {
  private state: 'unknown' | 'asked' | 'allowed' | 'forbidden' = 'unknown';
  /** On which connection that was found out. */
  private stream: Redis['stream'] | null = null;

  constructor(private readonly redis: Redis) {}

  /** False while that is not known. */
  get allowed(): boolean {
    if (this.state === 'unknown' || this.stream !== this.redis.stream) void this.ask();
    return this.state === 'allowed';
  }

  /** What was allowed may not be any more. */
  askAgain(): void {
    this.state = 'unknown';
  }

  private async ask(): Promise<void> {
    this.state = 'asked';
    this.stream = this.redis.stream;
    const allows = await allowsTransactions(this.redis);
    this.state = allows === null ? 'unknown' : allows ? 'allowed' : 'forbidden';
  }
}

/** What the calls of one writer depend on. */
export interface AppendsOptions {
  limits: PartitionLimits;
  transactions: Transactions;
  /** How many offsets are kept free; see `reservationTerms`. */
  reservation: string;
  /** Waits for offsets to be free. */
  clock: Pick<Clock, 'setTimer'>;
  /** Told how far the log reaches, or may. */
  ends: EndNotes;
  meter?: Pick<AppendMeter, 'sends'>;
}

/**
 * The append calls of one writer to one partition, one after the other: the next is made once the
 * former is answered. Small batches go through the append script; large ones past Lua, which takes
 * knowing where the log ends. The last answer told, unless another writer has come in between: then
 * it goes on where the log ends now, and through Lua for a while where that is in vain too.
 */
export class Appends {
  /** Where the log ends; null: no idea. */
  private end: LogPosition | null = null;
  private readonly neighbours: Neighbours;
  private readonly meter: Pick<AppendMeter, 'sends'>;

  constructor(
    private readonly keys: PartitionKeys,
    private readonly options: AppendsOptions,
  ) {
    this.meter = options.meter ?? silentMeter;
    this.neighbours = new Neighbours(options.limits);
  }

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
    const { ends } = this.options;
    let reply: AppendScriptReply;
    try {
      const { reservation } = this.options;
      reply = await this.sendUntilFree(connection, { ...terms, reservation }, batches);
    } catch (error) {
      if (error instanceof UnknownOutcome) ends.doubted(offsetsOf(batches));
      throw error;
    }
    // It was asked of no position.
    assert(reply.tag !== 'moved' && reply.tag !== 'unfit' && reply.tag !== 'wait');
    if (reply.tag === 'newer-format') throw newerFormat(this.keys.meta);
    if (reply.tag === 'all' || reply.tag === 'some') {
      this.end = { logEndOffset: reply.logEnd, maxTimestampMs: reply.maxTimestamp };
      ends.reached(reply.logEnd);
    }
    return readReply(reply, batches);
  }

  /**
   * Offsets are given out only where they have been reserved for some time; a burst that comes out
   * of nothing may be ahead of that, and waits.
   */
  private async sendUntilFree(
    connection: Redis,
    terms: SentTerms,
    batches: readonly AppendBatch[],
  ): Promise<AppendScriptReply> {
    const { clock, limits } = this.options;
    for (let waits = 0; ; waits++) {
      const reply = await this.sendOnce(connection, terms, batches);
      if (reply.tag !== 'wait') return reply;
      if (waits === limits.reservationWaitsMax) {
        throw new RedisUnavailable('recovering', 'log/append: no offsets are free yet');
      }
      await new Promise<void>((resolve) => clock.setTimer(reply.ms, resolve));
    }
  }

  private async sendOnce(
    connection: Redis,
    terms: SentTerms,
    batches: readonly AppendBatch[],
  ): Promise<AppendScriptReply> {
    const { limits } = this.options;
    const presumed = isLarge(batches, limits) ? this.end : null;
    // Whatever becomes of this call, without an answer there is no telling.
    this.end = null;
    if (presumed === null) return this.sendThroughLua(connection, terms, batches);
    const reply = await this.sendDirect(connection, terms, batches, presumed);
    if (!('moved' in reply)) return reply;
    const plain = await this.sendThroughLua(connection, terms, batches);
    if (plain.tag === 'all' && reply.moved !== null) {
      const before = plain.logEnd - offsetsOf(batches);
      this.neighbours.note(before !== reply.moved.logEndOffset);
    }
    return plain;
  }

  private sendThroughLua(
    connection: Redis,
    terms: SentTerms,
    batches: readonly AppendBatch[],
  ): Promise<AppendScriptReply> {
    this.meter.sends('script');
    return runAppend(connection, this.keys, terms, batches);
  }

  /**
   * Tries it past Lua as long as that pays.
   *
   * @returns nothing done, and where the log should end now, if that is known
   */
  private async sendDirect(
    connection: Redis,
    terms: SentTerms,
    batches: readonly AppendBatch[],
    end: LogPosition,
  ): Promise<AppendScriptReply | { moved: LogPosition | null }> {
    const { transactions } = this.options;
    let position = end;
    while (!this.neighbours.areBusy && transactions.allowed) {
      this.meter.sends('direct');
      let reply: AppendScriptReply;
      try {
        reply = await appendDirect(connection, this.keys, { terms, position }, batches);
      } catch (error) {
        transactions.askAgain();
        // Nothing was done, because the slot is being moved; a script is sent on to where it is.
        if (error instanceof RedisUnavailable && error.reason === 'moved') break;
        throw error;
      }
      if (reply.tag === 'wait') this.end = position;
      if (reply.tag === 'unfit') return { moved: null };
      this.neighbours.note(reply.tag === 'moved');
      if (reply.tag !== 'moved') return reply;
      position = { logEndOffset: reply.logEnd, maxTimestampMs: reply.maxTimestamp };
    }
    return { moved: position };
  }
}

/** Where the XADDs of a transaction cost less than what Lua does to the bytes. */
function isLarge(batches: readonly AppendBatch[], limits: PartitionLimits): boolean {
  let bytes = 0;
  for (const batch of batches) bytes += batch.bytes.length;
  const { directBytesMin, directBatchBytesMin } = limits;
  return bytes >= directBytesMin && bytes >= directBatchBytesMin * batches.length;
}

function offsetsOf(batches: readonly AppendBatch[]): number {
  return batches.reduce((sum, { lastOffsetDelta }) => sum + lastOffsetDelta + 1, 0);
}
