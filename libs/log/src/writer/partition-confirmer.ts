import type { Clock, Timer, TroubleLog } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { PartitionBounds } from '../bounds';
import type { PartitionKeys } from '../keys';
import type { PartitionLimits } from '../partition-limits';
import { newerFormat } from '../recovery/newer-format';
import { confirmScript } from '../scripts';
import { confirmingOf, requireConfirming } from './confirming';
import type { Asked } from './lanes';

/** What a confirmer is made of. */
export interface ConfirmerOptions {
  redis: Pick<RedisLink, 'shardOf'>;
  keys: PartitionKeys;
  clock: Pick<Clock, 'setTimer'>;
  limits: Pick<PartitionLimits, 'confirmStaleMs' | 'confirmAgainMs'>;
  replicationTimeoutMs: number;
  /** What the topic asks for now; undefined: nobody knows, as of one that is gone. */
  asked: () => Asked | undefined;
  /** The high watermark as this process knows it. */
  highWatermark: () => number;
  /** Told of each higher one. */
  onConfirmed: (upTo: number) => void;
  /** Told of what fails. */
  trouble: Pick<TroubleLog, 'note'>;
}

/** What a writer needs of it. */
export type WriterConfirmer = Pick<
  PartitionConfirmer,
  'upTo' | 'confirmed' | 'told' | 'tell' | 'want'
>;

const nothing = (): void => undefined;
/** For a writer beside which others move the high watermark. */
export const nobodyConfirms: WriterConfirmer = {
  upTo: -1,
  confirmed: nothing,
  told: nothing,
  tell: nothing,
  want: nothing,
};

/** Somebody who waits until the log is confirmed up to an offset. */
interface Settling {
  upTo: number;
  end: () => void;
}

/**
 * Moves the high watermark of one partition whose topic asks for copies: tells Redis of what was
 * confirmed, and has confirmed what nobody waits for: records of acks=1, and those whose writer is
 * gone, or its confirmation. Any number of processes may do so for the same partition.
 */
export class PartitionConfirmer {
  private known = -1;
  private toldUpTo = -1;
  private isWanted = false;
  private isRunning = false;
  private isClosed = false;
  private again: Timer | null = null;
  private stale: Timer | null = null;
  private readonly settling = new Set<Settling>();
  /** How far the log reached when it was last seen to be unconfirmed. */
  private seenEnd = -1;

  constructor(private readonly options: ConfirmerOptions) {}

  /** Up to where the log is known to be confirmed; -1: nothing is known. */
  get upTo(): number {
    return this.known;
  }

  /** True while something is to be done. */
  get busy(): boolean {
    return this.isRunning || this.isWanted || this.known > this.toldUpTo;
  }

  /** All that lies below this offset is confirmed. Redis is told by `tell`, or with an append. */
  confirmed(upTo: number): void {
    if (upTo <= this.known) return;
    this.known = upTo;
    this.options.onConfirmed(upTo);
    this.release((one) => one.upTo <= upTo);
  }

  /** Redis knows that the log is confirmed up to here. */
  told(upTo: number): void {
    this.toldUpTo = Math.max(this.toldUpTo, upTo);
  }

  /** Tells Redis what it was not told yet. */
  tell(): void {
    if (this.known <= this.toldUpTo) return;
    // What failed is tried again along with it: a replica may just have come back.
    this.again?.cancel();
    this.again = null;
    void this.run();
  }

  /** Has all confirmed that is in the log now; tried again until it is done. */
  want(): void {
    if (this.isClosed) return;
    this.isWanted = true;
    void this.run();
  }

  /**
   * Has the log confirmed up to here, for somebody who cannot tell what of it was acknowledged.
   * Resolves once it is, where that fails, and after `confirmStaleMs` at the latest.
   */
  settle(upTo: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.options.clock.setTimer(this.options.limits.confirmStaleMs, () => {
        this.release((one) => one === settling);
      });
      const settling = { upTo, end: () => (timer.cancel(), resolve()) };
      this.settling.add(settling);
      this.want();
      if (!this.isRunning) this.release();
    });
  }

  /** The end of the log was seen to be unconfirmed: if that lasts, nobody else does it. */
  noticed({ logEndOffset }: Pick<PartitionBounds, 'logEndOffset'>): void {
    this.seenEnd = Math.max(this.seenEnd, logEndOffset);
    if (this.stale !== null || this.isWanted || this.isClosed) return;
    const end = logEndOffset;
    this.stale = this.options.clock.setTimer(this.options.limits.confirmStaleMs, () => {
      this.stale = null;
      const highWatermark = this.options.highWatermark();
      if (highWatermark < end) this.want();
      else if (highWatermark < this.seenEnd) this.noticed({ logEndOffset: this.seenEnd });
    });
  }

  /** Nothing more is wanted; what is known to be confirmed is still told. */
  close(): void {
    this.isClosed = true;
    this.isWanted = false;
    this.again?.cancel();
    this.stale?.cancel();
    this.again = this.stale = null;
    this.release();
    this.tell();
  }

  private release(isOver: (one: Settling) => boolean = () => true): void {
    for (const one of this.settling) {
      if (!isOver(one)) continue;
      this.settling.delete(one);
      one.end();
    }
  }

  private async run(): Promise<void> {
    if (this.isRunning || this.again !== null) return;
    this.isRunning = true;
    try {
      while (this.known > this.toldUpTo || this.isWanted) {
        const isWanted = this.isWanted;
        this.isWanted = false;
        try {
          await this.round(isWanted);
        } catch (error) {
          this.isWanted ||= isWanted && !this.isClosed;
          this.failed(error);
          break;
        }
      }
    } finally {
      this.isRunning = false;
      this.release();
    }
  }

  /** Tells what is known; where more is wanted, waits for what is not confirmed yet. */
  private async round(isWanted: boolean): Promise<void> {
    const { redis, keys, asked: askedNow, replicationTimeoutMs } = this.options;
    const asked = askedNow();
    if (asked === undefined) return this.told(this.known);
    const waits = isWanted && asked !== null;
    const shard = redis.shardOf(keys.meta);
    const refusal = waits ? await refusalOf(requireConfirming(shard, asked)) : null;
    if (refusal !== null && this.known <= this.toldUpTo) throw refusal;
    const isWaiting = waits && refusal === null;
    const confirming = isWaiting ? confirmingOf(shard, asked, replicationTimeoutMs) : null;
    // WAIT covers its connection's writes, and what only tells is not to stand behind a WAIT.
    const connection = confirming?.connection ?? shard.write;
    const { stream } = connection;
    const { known } = this;
    const upTo = asked === null ? 'end' : known;
    const reply = await confirmScript.call(connection, keys, { upTo, wake: keys.wake });
    if (reply.tag === 'newer-format') throw newerFormat(keys.meta);
    this.told(known);
    if (reply.tag !== 'confirmed') return;
    this.confirmed(reply.highWatermark);
    this.told(reply.highWatermark);
    if (reply.logEnd <= reply.highWatermark) return;
    if (refusal !== null) throw refusal;
    if (confirming === null) return;
    await confirming.confirm(() => connection.stream === stream);
    this.confirmed(reply.logEnd);
  }

  private failed(error: unknown): void {
    this.options.trouble.note({ error: (error as Error).message });
    if (this.isClosed) return;
    this.again = this.options.clock.setTimer(this.options.limits.confirmAgainMs, () => {
      this.again = null;
      void this.run();
    });
  }
}

function refusalOf(asked: Promise<void>): Promise<unknown> {
  return asked.then(
    () => null,
    (error: unknown) => error,
  );
}
