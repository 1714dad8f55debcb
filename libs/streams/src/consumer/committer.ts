import type { Clock, Logger, Timer } from '@sluice/base';
import type { ConsumedPartition } from './consumed-partition';
import type { ConsumerLimits } from './consumer-limits';
import type { GroupSession } from './group-session';

/** What committing needs. */
export interface CommitterParts {
  session: Pick<GroupSession, 'commit'>;
  limits: Pick<ConsumerLimits, 'commitEveryMs'>;
  clock: Pick<Clock, 'setTimer'>;
  log: Logger;
}

/**
 * Has the committed offsets of a group follow what its member has acknowledged: of many partitions
 * with one call, one at a time, within a fraction of a second.
 */
export class Committer {
  private readonly due = new Set<ConsumedPartition>();
  private timer: Timer | null = null;
  private out: Promise<void> | null = null;
  private failures = 0;
  private isEnded = false;

  constructor(private readonly parts: CommitterParts) {}

  /** A partition has a progress that is not committed. */
  note(partition: ConsumedPartition): void {
    if (this.isEnded || partition.toCommit === null) return;
    this.due.add(partition);
    this.timer ??= this.parts.clock.setTimer(this.parts.limits.commitEveryMs, () => {
      this.timer = null;
      void this.commit();
    });
  }

  /** Commits now what is due; resolves when it is known what became of it. */
  async commit(): Promise<void> {
    while (this.out !== null) await this.out;
    if (this.due.size === 0) return;
    this.out = this.send().finally(() => (this.out = null));
    await this.out;
  }

  end(): void {
    this.isEnded = true;
    this.timer?.cancel();
    this.due.clear();
  }

  private async send(): Promise<void> {
    const partitions = [...this.due].filter((one) => !one.isEnded && one.toCommit !== null);
    this.due.clear();
    const offsets = partitions.map((one) => {
      const { topicId, partition, ownerEpoch } = one.parts.grant;
      return { topicId, partition, ownerEpoch, offset: one.toCommit!, leaderEpoch: -1 };
    });
    if (offsets.length === 0) return;
    try {
      const { outcome } = await this.parts.session.commit(offsets);
      this.failures = 0;
      // Of what was not the member's any more the session tells its listener.
      if (outcome === 'fenced') return;
      for (const [at, one] of partitions.entries()) {
        one.wasCommitted(offsets[at]!.offset);
        this.note(one);
      }
    } catch (error) {
      if (this.failures++ === 0) {
        const { message } = error as Error;
        this.parts.log.debug('offsets could not be committed yet', { error: message });
      }
      // It may have been done, or come later.
      for (const one of partitions) {
        one.wasCommitted(-1);
        this.note(one);
      }
    }
  }
}
