import type { Logger, TroubleLog } from '@sluice/base';
import type { PartitionLimits } from '../partition-limits';
import {
  isAnyStored,
  isStored,
  type AppendBatch,
  type AppendRefusal,
  type AppendReply,
  type AppendResult,
} from './append-call';
import { silentMeter, type AppendMeter } from './append-meter';
import type { AppendLanes, Asked } from './lanes';
import type { WriterConfirmer } from './partition-confirmer';

/** What became of one batch: judged by the append script, or refused for the whole call. */
export type AppendOutcome =
  { result: AppendResult; logStartOffset: number } | { refused: AppendRefusal };

/**
 * Told what became of one batch: an outcome, or an error: RedisUnavailable or NotEnoughReplicas
 * (not written), UnknownOutcome or NotEnoughReplicasAfterAppend (may be written). A callback and
 * not a promise, because this is the hottest path: there is one for each batch that is produced.
 */
export type AppendDone = (outcome: AppendOutcome | null, error: unknown) => void;

/**
 * Told of the end of each call before those who wait for it; a reply of null: it failed, and may be
 * done or not.
 */
export type AppendListener = (
  batches: readonly AppendBatch[],
  reply: AppendReply | null,
  asked: Asked,
) => void;

/** What a writer is made of. */
export interface WriterOptions {
  lanes: AppendLanes;
  limits: Pick<PartitionLimits, 'appendBatchesMax' | 'appendBytesMax'>;
  log: Logger;
  /** Told of calls that fail, which else only clients would see. */
  trouble: Pick<TroubleLog, 'note'>;
  onReply: AppendListener;
  /** Sees to it that readers get what is appended. */
  confirmer: WriterConfirmer;
  meter?: AppendMeter;
  /** Whoever appends has gathered what goes together: an idle line sends in the same turn. */
  isGathered?: boolean;
}

interface Waiting {
  batch: AppendBatch;
  asked: Asked;
  done: AppendDone;
}

/**
 * The one line of appends to a partition, for one leadership. One call is out at a time; what
 * gathers meanwhile goes with the next, so the number of calls follows Redis' pace and not the
 * number of requests (group commit). Order of arrival is order in the log, whatever has to confirm
 * each batch: a call's batches ask for the same, and the next call is sent once the former is
 * answered. That it is confirmed is waited for beside the line.
 */
export class PartitionWriter {
  private waiting: Waiting[] = [];
  private isOut = false;
  private confirming = 0;
  private scheduled = false;
  private closed = false;
  /** Since when the first of `waiting` has been that. */
  private firstSinceMs = 0;
  private readonly meter: AppendMeter;

  constructor(private readonly options: WriterOptions) {
    this.meter = options.meter ?? silentMeter;
  }

  /** True while somebody waits for an answer. */
  get busy(): boolean {
    return this.isOut || this.confirming > 0 || this.waiting.length > 0;
  }

  /** True while a call is out, of which `onReply` will be told. */
  get callIsOut(): boolean {
    return this.isOut;
  }

  /**
   * Appends one batch; never re-sends.
   *
   * @param asked what has to be there before and to confirm afterwards
   * @param nowMs the monotonic clock, from whoever has read it anyway
   */
  append(
    batch: AppendBatch,
    asked: Asked,
    done: AppendDone,
    nowMs: number = this.meter.nowMs(),
  ): void {
    if (this.closed) return this.tell(done, { refused: 'fenced-leader' }, null);
    if (this.waiting.length === 0) this.firstSinceMs = nowMs;
    this.waiting.push({ batch, asked, done });
    this.schedule();
  }

  /** The leadership is over: what was not sent yet is refused, and all that comes. */
  close(): void {
    this.closed = true;
    for (const { done } of this.waiting.splice(0)) {
      this.tell(done, { refused: 'fenced-leader' }, null);
    }
  }

  private schedule(): void {
    if (this.waiting.length === 0 || this.scheduled || this.isOut) return;
    if (this.options.isGathered) return void this.send(this.takeGroup());
    this.scheduled = true;
    // After the sockets that are ready now have been read: their batches go with this call.
    setImmediate(() => {
      this.scheduled = false;
      if (this.waiting.length > 0) void this.send(this.takeGroup());
    });
  }

  /** The next call's: they ask for the same, so that they go over one connection. */
  private takeGroup(): Waiting[] {
    const { appendBatchesMax, appendBytesMax } = this.options.limits;
    const { asked } = this.waiting[0]!;
    let bytes = 0;
    let count = 0;
    for (const one of this.waiting) {
      bytes += one.batch.bytes.length;
      if (count > 0 && (bytes > appendBytesMax || one.asked !== asked)) break;
      if (++count === appendBatchesMax) break;
    }
    if (count === this.waiting.length) {
      const all = this.waiting;
      this.waiting = [];
      return all;
    }
    return this.waiting.splice(0, count);
  }

  private async send(group: Waiting[]): Promise<void> {
    const { lanes, confirmer } = this.options;
    const { asked } = group[0]!;
    const batches = group.map(({ batch }) => batch);
    let reply: AppendReply;
    let confirm: (() => Promise<void>) | null;
    this.isOut = true;
    this.meter.begins(batches, this.firstSinceMs);
    if (this.waiting.length > 0) this.firstSinceMs = this.meter.nowMs();
    try {
      if (asked?.isAwaited || !lanes.isOpen) await lanes.ready(asked);
      const { upTo } = confirmer;
      const call = lanes.send(batches, asked, upTo);
      ({ confirm } = call);
      reply = await call.reply;
      if ('refused' in reply && reply.refused === 'unknown-partition') await lanes.missed();
      if (asked !== null && isAnyStored(reply)) confirmer.told(upTo);
    } catch (error) {
      this.ended(batches, null, asked);
      confirmer.tell();
      return this.fail(group, error);
    }
    this.ended(batches, reply, asked);
    if (confirm === null || !isAnyStored(reply)) {
      if (asked !== null && isAnyStored(reply)) confirmer.want();
      else confirmer.tell();
      return this.answer(group, reply, null);
    }
    await this.confirm(group, reply, confirm);
  }

  /** @param reply to what is stored */
  private async confirm(
    group: readonly Waiting[],
    reply: AppendReply,
    confirm: () => Promise<void>,
  ): Promise<void> {
    const { confirmer } = this.options;
    this.confirming++;
    const sinceMs = this.meter.nowMs();
    const failure = await confirm().then(
      () => null,
      (error: unknown) => error,
    );
    this.confirming--;
    this.meter.confirmed(sinceMs);
    if (failure !== null) confirmer.want();
    else if ('logEndOffset' in reply) confirmer.confirmed(reply.logEndOffset);
    this.answer(group, reply, failure);
    // The next call says it along with what it appends; where there is none it is said alone.
    if (this.waiting.length === 0 || this.waiting[0]!.asked === null) confirmer.tell();
  }

  private ended(batches: readonly AppendBatch[], reply: AppendReply | null, asked: Asked): void {
    this.isOut = false;
    this.meter.ended(batches, reply);
    this.schedule();
    try {
      this.options.onReply(batches, reply, asked);
    } catch (error) {
      this.options.log.error('a listener to appends failed', { error: stackOf(error) });
    }
  }

  private fail(group: readonly Waiting[], error: unknown): void {
    this.options.trouble.note({ error: messageOf(error) });
    for (const { done } of group) this.tell(done, null, error);
  }

  /** @param failure what kept replicas from confirming what is stored, if anything did */
  private answer(group: readonly Waiting[], reply: AppendReply, failure: unknown): void {
    if (failure !== null) this.options.trouble.note({ error: messageOf(failure) });
    for (let i = 0; i < group.length; i++) {
      const { done } = group[i]!;
      if ('refused' in reply) {
        this.tell(done, reply, null);
        continue;
      }
      const { results, logStartOffset } = reply;
      const result = results[i]!;
      if (failure !== null && isStored(result)) this.tell(done, null, failure);
      else this.tell(done, { result, logStartOffset }, null);
    }
  }

  /** One who fails to take an answer does not keep others from theirs. */
  private tell(done: AppendDone, outcome: AppendOutcome | null, error: unknown): void {
    try {
      done(outcome, error);
    } catch (failure) {
      this.options.log.error('the answer to an append was not taken', { error: stackOf(failure) });
    }
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
