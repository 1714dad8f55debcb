import { RedisUnavailable, UnknownOutcome, type Redis } from '@sluice/redis';
import { boundsOf, type PartitionBounds } from './bounds';
import type { PartitionKeys } from './keys';
import { partitionLimits } from './partition-limits';
import { newerFormat } from './recovery/newer-format';
import { leadScript } from './scripts';

/** Of appends that depend on no leadership, as those of services. */
export const noLeadership = -1;

/** A later leadership of the partition is known: whoever has this one leads it no more. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
}

/** How a claim ended: with what there is to know of the log, or with the leadership that has it. */
export type LeadReply =
  | { bounds: PartitionBounds }
  | { refused: 'fenced-leader'; leadership: number }
  | { refused: 'unknown-partition' };

/**
 * Takes a partition for a leadership; see the script. Running it again is harmless.
 *
 * @throws RedisUnavailable | UnknownOutcome
 */
export async function lead(
  redis: Redis,
  { meta, wake }: Pick<PartitionKeys, 'meta' | 'wake'>,
  leadership: number,
): Promise<LeadReply> {
  const { leaderEpochsMax: epochsMax } = partitionLimits;
  const reply = await leadScript.call(redis, { meta }, { leadership, epochsMax, wake });
  switch (reply.tag) {
    case 'newer-format':
      throw newerFormat(meta);
    case 'unknown-partition':
      return { refused: 'unknown-partition' };
    case 'fenced':
      return { refused: 'fenced-leader', leadership: reply.leadership };
    case 'led': {
      const { start, next, bytes, batches, largest, maxTimestamp, epoch } = reply;
      const numbers = [start, next, bytes, batches, largest, maxTimestamp, epoch];
      return { bounds: boundsOf(numbers, reply.epochs, reply.confirmed || null) };
    }
  }
}

/** What a leadership is made of. */
export interface LeadershipOptions {
  /** From 0 on; see `Placement.leadership` of the cluster. */
  number: number;
  claim: () => Promise<LeadReply>;
  /** Told once when the partition turns out to know a later one, and which. */
  onLost: (known: number) => void;
}

/**
 * The leadership of one partition. It is claimed before anything is appended or told by it: at its
 * first use, so that who is given thousands of partitions claims those that are used.
 */
export class Leadership {
  private state: 'open' | 'claimed' | 'lost' | 'ended' = 'open';
  private claiming: Promise<PartitionBounds | null> | null = null;
  /** How often Redis may have lost a claim. */
  private histories = 0;

  constructor(private readonly options: LeadershipOptions) {}

  get number(): number {
    return this.options.number;
  }

  /** Whether it has to be claimed before it is used. */
  get isOpen(): boolean {
    return this.state === 'open';
  }

  get isClaimed(): boolean {
    return this.state === 'claimed';
  }

  /** Nothing may be done by it any more. */
  get isOver(): boolean {
    return this.state === 'lost' || this.state === 'ended';
  }

  /**
   * Claims it, unless that is under way; null when there is no such partition (any more).
   *
   * @throws LeadershipLost | RedisUnavailable
   */
  claim(): Promise<PartitionBounds | null> {
    this.claiming ??= this.claimOnce().finally(() => (this.claiming = null));
    return this.claiming;
  }

  /** Redis may have lost the claim, with its last writes: it is to be made again. */
  renew(): void {
    this.histories++;
    if (this.state === 'claimed') this.state = 'open';
  }

  /** It is over; nothing is claimed any more. */
  end(): void {
    this.state = 'ended';
  }

  private async claimOnce(): Promise<PartitionBounds | null> {
    if (this.state === 'lost') throw lost();
    const { histories } = this;
    const reply = await this.options.claim().catch((error: unknown) => {
      throw harmless(error);
    });
    if ('bounds' in reply) {
      if (this.state === 'open' && histories === this.histories) this.state = 'claimed';
      return reply.bounds;
    }
    if (reply.refused === 'unknown-partition') return null;
    if (this.state === 'open') {
      this.state = 'lost';
      this.options.onLost(reply.leadership);
    }
    throw lost();
  }
}

function lost(): LeadershipLost {
  return new LeadershipLost('the partition has another leader by now');
}

/** Whether a claim was made does not matter to those who wait for it: they have done nothing. */
function harmless(error: unknown): unknown {
  if (!(error instanceof UnknownOutcome)) return error;
  return new RedisUnavailable(
    'disconnected',
    `the partition could not be claimed: ${error.message}`,
  );
}
