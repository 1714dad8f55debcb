import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import type { BatchRun } from '../partitions/hot-ring';
import type { Partition } from '../partitions/partition';
import { readErrorCode } from '../requests/error-codes';
import { checkLeaderEpoch } from '../requests/named-topic';

/** One partition of a fetch: what is asked, and what has been read so far. */
export interface FetchTarget {
  readonly partition: Partition | undefined;
  errorCode: ErrorCodeValue;
  /** In which epoch of the leader the client believes; -1: in none. */
  readonly leaderEpoch: number;
  nextOffset: number;
  /** Soft limit for this partition: the first batch of a reply may exceed it (KIP-74). */
  readonly bytesMax: number;
  chunks: Buffer[];
  bytes: number;
  highWatermark: number;
  logEndOffset: number;
  logStartOffset: number;
  /** The partition's change count before it was last looked at. */
  changesSeen: number;
}

type Served = FetchTarget & { partition: Partition };

/**
 * Reads the partitions of one fetch in request order within its byte limits, and goes on where it
 * stopped.
 */
export class FetchPlan {
  private readonly served: Served[];
  private readonly releases: (() => void)[] = [];
  private total = 0;

  constructor(
    private readonly targets: readonly FetchTarget[],
    private readonly bytesMax: number,
    /** What a partition is answered of which it is not sure that it is led here. */
    private readonly unsureCode: () => ErrorCodeValue,
  ) {
    this.served = targets.filter((target): target is Served => target.partition !== undefined);
  }

  /** Bytes of records read so far. */
  get bytes(): number {
    return this.total;
  }

  /**
   * Reading one of the partitions has failed: the client is to know at once. An unknown topic or
   * partition, of which there is nothing to read, is no such failure (see `readUntilEnough`).
   */
  get failed(): boolean {
    return this.targets.some(({ partition, errorCode }) => {
      const isServed = partition !== undefined && errorCode !== ErrorCode.NONE;
      return isServed || errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER;
    });
  }

  /** No further byte fits. */
  get full(): boolean {
    return this.total > 0 && this.served.every((target) => this.roomFor(target) <= 0);
  }

  /** Something may have come in while the other partitions were looked at, or read. */
  get changedSinceLook(): boolean {
    return this.served.some(({ partition, changesSeen }) => partition.changeCount !== changesSeen);
  }

  /** Gives back the memory that the chunks lie in; to be called when the reply has left. */
  release(): void {
    for (const release of this.releases.splice(0)) release();
  }

  partitions(): Partition[] {
    return this.served.map(({ partition }) => partition);
  }

  /** Learns the log ends; where a partition has become unreadable it is marked with its error. */
  async lookForData(): Promise<void> {
    await Promise.all(
      this.readable().map(async (target) => {
        target.changesSeen = target.partition.changeCount;
        await this.guard(target, async () => {
          const bounds = await target.partition.currentBounds();
          if (!bounds) {
            target.errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
            return;
          }
          if (!target.partition.isServing) {
            const { isOpen } = target.partition;
            target.errorCode = isOpen ? this.unsureCode() : ErrorCode.NOT_LEADER_OR_FOLLOWER;
            return;
          }
          target.errorCode = checkLeaderEpoch(target.leaderEpoch, bounds.leaderEpoch);
          target.highWatermark = bounds.highWatermark;
          target.logEndOffset = bounds.logEndOffset;
          target.logStartOffset = bounds.logStartOffset;
        });
      }),
    );
  }

  /**
   * At most so many bytes would the next `read` add (but for a first batch larger than the limits).
   */
  readableBytes(): number {
    let bytes = 0;
    for (const target of this.readable()) {
      if (isToBeRead(target)) bytes += Math.max(1, this.roomFor(target));
    }
    return Math.min(bytes, Math.max(1, this.bytesMax - this.total));
  }

  /** Reads what there is, several partitions at once as long as all of them surely fit. */
  async read(): Promise<void> {
    let group: Served[] = [];
    let groupBytes = 0;
    for (const target of this.readable()) {
      if (!isToBeRead(target)) continue;
      const room = this.roomFor(target);
      if (group.length > 0 && groupBytes + room > this.bytesMax - this.total) {
        await this.readGroup(group);
        [group, groupBytes] = [[], 0];
      }
      if (this.total > 0 && this.roomFor(target) <= 0) continue;
      group.push(target);
      groupBytes += room;
    }
    await this.readGroup(group);
  }

  private readable(): Served[] {
    return this.served.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
  }

  private roomFor({ bytes, bytesMax }: FetchTarget): number {
    return Math.min(bytesMax - bytes, this.bytesMax - this.total);
  }

  private async readGroup(group: Served[]): Promise<void> {
    const rooms = group.map((target) => Math.max(0, this.roomFor(target)));
    const outcomes = await Promise.all(
      group.map((target, i) =>
        this.guard(target, () => target.partition.read(target.nextOffset, rooms[i]!)),
      ),
    );
    outcomes.forEach((outcome, i) => {
      const target = group[i]!;
      if (!outcome) return;
      if ('refused' in outcome) {
        const gone = outcome.refused === 'unknown-partition';
        target.errorCode = gone
          ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
          : ErrorCode.OFFSET_OUT_OF_RANGE;
        return;
      }
      target.highWatermark = outcome.highWatermark;
      target.logStartOffset = outcome.logStartOffset;
      if (outcome.run) this.add(target, outcome.run, rooms[i]!);
    });
  }

  private add(target: Served, run: BatchRun, room: number): void {
    // Only the first batch of a reply may be larger than what was asked for.
    if (this.total > 0 && run.bytes > room) return run.release?.();
    if (run.release) this.releases.push(run.release);
    target.chunks.push(...run.chunks);
    target.bytes += run.bytes;
    target.nextOffset = run.nextOffset;
    this.total += run.bytes;
  }

  private async guard<T>(target: FetchTarget, attempt: () => Promise<T>): Promise<T | undefined> {
    try {
      return await attempt();
    } catch (error) {
      const code = readErrorCode(error);
      if (code === undefined) throw error;
      target.errorCode = code;
      return undefined;
    }
  }
}

/** There is something for it, or its offset is out of range and it is to be told so. */
function isToBeRead({ nextOffset, highWatermark, logEndOffset }: FetchTarget): boolean {
  return nextOffset < highWatermark || nextOffset > logEndOffset;
}
