import type { AssignedGroup, AssignedMember, Owner, TopicsSeen } from './assigned-group';

/**
 * One step in the making. The group it began with is not touched, so a step that cannot be stored
 * is simply dropped.
 */
export class Draft {
  readonly members: Map<string, AssignedMember>;
  readonly owners: Map<string, Owner>;
  topics: TopicsSeen;
  /** Whether the targets have to be made anew. */
  isUnsettled = false;
  #epoch: number | null = null;

  constructor(
    readonly before: AssignedGroup,
    private readonly nowMicros: number,
  ) {
    this.members = new Map(before.members);
    this.owners = new Map(before.owners);
    this.topics = before.topics;
  }

  get nowMs(): number {
    return Math.floor(this.nowMicros / 1000);
  }

  /**
   * The number for everything that this step begins. It is the time in microseconds, or one more
   * than the last where that is higher: so none comes back after the group was deleted, or after
   * Redis has lost its last writes.
   */
  nextEpoch(): number {
    this.#epoch ??= Math.max(this.before.epoch + 1, this.nowMicros);
    return this.#epoch;
  }

  /** Takes a member out, and what it has away from it. */
  remove(memberId: string): void {
    this.members.delete(memberId);
    this.release(memberId);
    this.isUnsettled = true;
  }

  /** Takes away from a member what it has. */
  release(memberId: string): void {
    for (const [key, owner] of this.owners) {
      if (owner.memberId === memberId) this.owners.delete(key);
    }
  }

  finish(): AssignedGroup {
    const { groupId, epoch } = this.before;
    const { members, owners, topics } = this;
    return { groupId, epoch: this.#epoch ?? epoch, topics, members, owners };
  }
}
