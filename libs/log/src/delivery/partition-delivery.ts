import type { Redis } from '@sluice/redis';
import type { PartitionKeys } from '../keys';
import { newerFormat } from '../recovery/newer-format';
import {
  acknowledgeScript,
  claimScript,
  seekScript,
  takeScript,
  tidyScript,
} from './delivery-scripts';

/** A partition that was granted to a member of a group. */
export interface DeliveryOwner {
  group: string;
  member: string;
  /** Rises with each grant that the group gives, over its whole life. */
  epoch: number;
}

/** How far the group has come, and what there is. */
export interface ClaimedDelivery {
  /** The first offset that is not dealt with. */
  progress: number;
  logStartOffset: number;
  logEndOffset: number;
  /** Bytes of an entry, on average. */
  entryBytes: number;
}

/**
 * Why something was not done. `fenced`: the partition is another's. `unclaimed`: the claim is not
 * there, because Redis has lost its last writes or the stream's consumer group was removed.
 */
export type DeliveryRefusal = 'fenced' | 'unclaimed';

/** An entry of the log: its id, `<last offset>-<time>`, and its batch. */
export interface DeliveredEntry {
  id: string;
  bytes: Buffer;
}

/**
 * What a partition keeps, in its own slot, of one group that reads it as NestJS members do: who
 * owns it, how far it has come, and the stream's consumer group with what is pending. Each change
 * names the owner's epoch, and is refused once there was a later grant.
 *
 * Every method rejects with `RedisUnavailable` when nothing was executed and `UnknownOutcome` when
 * it may have been; saying it again is harmless.
 */
export class PartitionDelivery {
  private readonly names: { group: string; member: string; epoch: number };
  /** Of the last call that moves the progress. Nobody else has this epoch, so it begins at 0. */
  private sequence = 0;

  constructor(
    private readonly redis: Redis,
    readonly keys: PartitionKeys,
    owner: DeliveryOwner,
  ) {
    this.names = { group: owner.group, member: owner.member, epoch: owner.epoch };
  }

  /**
   * Takes the partition. It goes on at its own progress where the committed offset has the lineage
   * that this was made for, else at the committed offset.
   *
   * @throws RedisUnavailable 'newer-format' where a newer version has stored the state
   */
  async claim(committed: {
    offset: number;
    lineage: number;
  }): Promise<ClaimedDelivery | 'fenced' | 'unknown-partition'> {
    const reply = await claimScript.call(this.redis, this.keys, {
      ...this.names,
      committed: committed.offset,
      lineage: committed.lineage,
    });
    if (reply.tag === 'newer-format') throw newerFormat(this.keys.delivery);
    if (reply.tag !== 'claimed') return reply.tag;
    const { progress, logStart: logStartOffset, logEnd: logEndOffset, entryBytes } = reply;
    return { progress, logStartOffset, logEndOffset, entryBytes };
  }

  /**
   * Takes over entries from the one that holds `fromOffset` on, in order, that were delivered
   * before; none where all were. Nothing stays pending that lies below the progress.
   */
  async take(range: {
    progress: number;
    fromOffset: number;
    entriesMax: number;
  }): Promise<DeliveredEntry[] | DeliveryRefusal> {
    const args = { ...this.names, ...range };
    const reply = await takeScript.call(this.redis, this.keys, args);
    if (reply.tag !== 'taken') return reply.tag;
    const taken: DeliveredEntry[] = [];
    for (let at = 0; at < reply.entries.length; at += 2) {
      const id = reply.entries[at]!.toString('latin1');
      taken.push({ id, bytes: reply.entries[at + 1]! });
    }
    return taken;
  }

  /** Notes the progress, and acknowledges entries that lie wholly below it, by their ids. */
  async acknowledge(
    progress: number,
    ids: readonly string[],
  ): Promise<DeliveryRefusal | 'acknowledged'> {
    const args = { ...this.names, sequence: ++this.sequence, progress, ids };
    const { tag } = await acknowledgeScript.call(this.redis, this.keys, args);
    // Who still waits for an answer has sent nothing later, so another has: nothing is known then.
    return tag === 'late' ? 'unclaimed' : tag;
  }

  /**
   * Goes on at another offset, which is answered as it lies in the log; nothing is pending then.
   */
  async seek(offset: number): Promise<number | DeliveryRefusal> {
    const args = { ...this.names, sequence: ++this.sequence, offset };
    const reply = await seekScript.call(this.redis, this.keys, args);
    if (reply.tag === 'moved') return reply.progress;
    return reply.tag === 'late' ? 'unclaimed' : reply.tag;
  }

  /** Removes the stream's consumers that have nothing pending: others, or with its own. */
  async tidy({ withOwn }: { withOwn: boolean }): Promise<void> {
    const args = { ...this.names, kept: withOwn ? '' : this.names.member };
    await tidyScript.call(this.redis, this.keys, args);
  }
}
