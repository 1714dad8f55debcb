import type { Redis } from 'ioredis';
import type {
  AppendBatch,
  AppendReply,
  AppendResult,
  PartitionRef,
  PartitionStore,
} from '@sluice/log';
import { limits } from '../limits';

/** What became of one batch: judged by the append script, or refused for the whole call. */
export type AppendOutcome =
  | { result: AppendResult; logStartOffset: number }
  | { refused: 'fenced-leader' | 'unknown-partition' };

/**
 * Told what became of one batch: an outcome, or an error: RedisUnavailable or NotEnoughReplicas
 * (not written), UnknownOutcome or NotEnoughReplicasAfterAppend (may be written). A callback and
 * not a promise, because this is the hottest path: there is one for each batch that is produced.
 */
export type AppendDone = (outcome: AppendOutcome | null, error: unknown) => void;

interface Waiting {
  batch: AppendBatch;
  done: AppendDone;
}

/** Told of each reply of the append script before those who wait for it. */
export type AppendListener = (batches: AppendBatch[], reply: AppendReply) => void;

/** One way of appending: over which connection, and what has to be true before anyone is told. */
export interface AppendLane {
  connection: Redis;
  /**
   * Called after the script's reply, e.g. to wait for replicas; its rejection is every waiter's.
   * `sameConnection` says whether the connection is still the one that the append went over.
   */
  confirm?: (sameConnection: () => boolean) => Promise<void>;
}

/**
 * Group commit for one partition: what gathers while append calls are out goes with the next call,
 * so the number of calls follows Redis' pace, not the number of requests. Order of arrival is order
 * in the log.
 */
export class Appender {
  private waiting: Waiting[] = [];
  private callsOut = 0;
  private confirming = 0;
  private scheduled = false;

  constructor(
    private readonly store: PartitionStore,
    private readonly ref: PartitionRef,
    private readonly leaderEpoch: number,
    private readonly lane: AppendLane,
    private readonly onReply: AppendListener,
  ) {}

  /** True while a batch waits or a call is out. */
  get busy(): boolean {
    return this.callsOut > 0 || this.confirming > 0 || this.waiting.length > 0;
  }

  /** Appends one batch; never re-sends. */
  append(batch: AppendBatch, done: AppendDone): void {
    this.waiting.push({ batch, done });
    this.schedule();
  }

  private schedule(): void {
    if (this.waiting.length === 0 || this.scheduled) return;
    if (this.callsOut >= limits.appendCallsMax) return;
    this.scheduled = true;
    // After the sockets that are ready now have been read: their batches go with this call.
    setImmediate(() => {
      this.scheduled = false;
      while (this.waiting.length > 0 && this.callsOut < limits.appendCallsMax) {
        void this.send(this.takeGroup());
      }
    });
  }

  private takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { batch } of this.waiting) {
      bytes += batch.bytes.length;
      if (count > 0 && bytes > limits.appendBytesMax) break;
      if (++count === limits.appendBatchesMax) break;
    }
    if (count === this.waiting.length) {
      const all = this.waiting;
      this.waiting = [];
      return all;
    }
    return this.waiting.splice(0, count);
  }

  private async send(group: Waiting[]): Promise<void> {
    this.callsOut++;
    const { connection, confirm } = this.lane;
    const { stream } = connection;
    try {
      const batches = group.map(({ batch }) => batch);
      const reply = await this.store.append(this.ref, this.leaderEpoch, batches, connection);
      this.onReply(batches, reply);
      // A new connection knows nothing of what was written on the one before it.
      const confirmed = confirm?.(() => connection.stream === stream);
      if (confirmed) await this.whileOthersGoOn(confirmed);
      answer(group, reply);
    } catch (error) {
      for (const { done } of group) done(null, error);
    } finally {
      this.callsOut--;
      this.schedule();
    }
  }

  /** A confirmation is waited for, but the next append call need not wait with it. */
  private async whileOthersGoOn(confirmed: Promise<void>): Promise<void> {
    this.callsOut--;
    this.confirming++;
    this.schedule();
    try {
      await confirmed;
    } finally {
      this.callsOut++;
      this.confirming--;
    }
  }
}

function answer(group: Waiting[], reply: AppendReply): void {
  if ('refused' in reply) {
    for (const { done } of group) done(reply, null);
    return;
  }
  const { results, logStartOffset } = reply;
  for (let i = 0; i < group.length; i++) {
    group[i]!.done({ result: results[i]!, logStartOffset }, null);
  }
}
