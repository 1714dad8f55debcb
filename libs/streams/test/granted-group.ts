import type { CommitOutcome, MemberListener, MemberPartition, OwnOffset } from '@sluice/groups';
import type { GroupSession } from '../src/consumer/group-session';

const keyOf = ({ topicId, partition }: { topicId: string; partition: number }): string =>
  `${topicId}/${partition}`;

/** A group whose test says who has which partition. */
export class GrantedGroup {
  readonly committed = new Map<string, { offset: number; leaderEpoch: number; lineage: number }>();
  readonly owners = new Map<string, { session: GrantedSession; ownerEpoch: number }>();
  private epoch = 0;
  private lineage = 1_000;

  session(memberId: string, listener: MemberListener): GrantedSession {
    return new GrantedSession(this, memberId, listener);
  }

  /** Somebody else than an owner sets an offset. */
  reset(partition: { topicId: string; partition: number }, offset: number): void {
    this.committed.set(keyOf(partition), { offset, leaderEpoch: -1, lineage: ++this.lineage });
  }

  grant(session: GrantedSession, partitions: readonly Omit<MemberPartition, 'ownerEpoch'>[]): void {
    const grants = partitions.map((one) => {
      const ownerEpoch = ++this.epoch;
      this.owners.set(keyOf(one), { session, ownerEpoch });
      return { ...one, ownerEpoch, committed: this.committed.get(keyOf(one)) ?? null };
    });
    session.listener.granted(grants);
  }

  commit(session: GrantedSession, offsets: readonly OwnOffset[]): CommitOutcome {
    const lineages = offsets.map((one) => {
      const owner = this.owners.get(keyOf(one));
      if (owner?.session !== session || owner.ownerEpoch !== one.ownerEpoch) return null;
      const lineage = this.committed.get(keyOf(one))?.lineage ?? ++this.lineage;
      this.committed.set(keyOf(one), { offset: one.offset, leaderEpoch: -1, lineage });
      return lineage;
    });
    return { outcome: 'committed', lineages };
  }
}

/** A member of such a group. */
export class GrantedSession implements GroupSession {
  readonly silentMs = 0;
  readonly letGoOf: MemberPartition[] = [];
  hasLeft = false;

  constructor(
    readonly group: GrantedGroup,
    readonly memberId: string,
    readonly listener: MemberListener,
  ) {}

  join(): Promise<void> {
    return Promise.resolve();
  }

  leave(): Promise<void> {
    this.hasLeft = true;
    return Promise.resolve();
  }

  letGo(partitions: readonly MemberPartition[]): void {
    this.letGoOf.push(...partitions);
  }

  commit(offsets: readonly OwnOffset[]): Promise<CommitOutcome> {
    return Promise.resolve(this.group.commit(this, offsets));
  }

  /** As it was granted last. */
  ownedPartition(partition: Omit<MemberPartition, 'ownerEpoch'>): MemberPartition {
    return { ...partition, ownerEpoch: this.group.owners.get(keyOf(partition))!.ownerEpoch };
  }

  /** A member that was paused, and does not know yet, takes what it has for its own. */
  holds(): boolean {
    return true;
  }
}
