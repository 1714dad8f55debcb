import type {
  AssignedEvent,
  AssignedStep,
  JoinEvent,
  MemberView,
  Outcome,
} from '../src/assigned/machine/assigned-events';
import { newAssignedGroup, type AssignedGroup } from '../src/assigned/machine/assigned-group';
import { step } from '../src/assigned/machine/assigned-machine';

/** Plays the part of the store: keeps a group, and the time and topics that its steps are given. */
export class AssignedDriver {
  group: AssignedGroup = newAssignedGroup('g');
  readonly steps: { before: AssignedGroup; event: AssignedEvent; step: AssignedStep }[] = [];
  nowMs = 1_700_000_000_000;
  membersMax = 100;
  topicsVersion = 1;
  readonly topics = new Map<string, { name: string; partitions: number }>();

  constructor(topics: Record<string, number> = { orders: 4 }) {
    for (const [name, partitions] of Object.entries(topics)) this.setTopic(name, partitions);
  }

  /** Makes a topic, or makes it larger. */
  setTopic(name: string, partitions: number): void {
    this.topics.set(`id-${name}`, { name, partitions });
    this.topicsVersion++;
  }

  deleteTopic(name: string): void {
    if (this.topics.delete(`id-${name}`)) this.topicsVersion++;
  }

  apply(event: AssignedEvent): Outcome {
    const before = this.group;
    const made = step(before, event, {
      nowMicros: this.nowMs * 1000,
      topics: { version: this.topicsVersion, byId: new Map(this.topics) },
      membersMax: this.membersMax,
    });
    this.steps.push({ before, event, step: made });
    this.group = made.group;
    return made.outcome;
  }

  /** @throws Error where the member is not taken */
  join(memberId: string, more: Partial<JoinEvent> = {}): MemberView {
    const outcome = this.apply({
      kind: 'join',
      memberId,
      isReturn: false,
      instanceId: null,
      clientId: 'client',
      clientHost: 'host',
      subscription: { topics: ['orders'], patterns: [] },
      assignor: 'sticky',
      sessionTimeoutMs: 10_000,
      revokeTimeoutMs: 60_000,
      ...more,
    });
    if (outcome.kind !== 'member') throw new Error(outcome.kind);
    return outcome.view;
  }

  /** What a heartbeat does that is in time; false where the member is none any more. */
  beat(memberId: string, memberEpoch: number): boolean {
    const member = this.group.members.get(memberId);
    if (member?.epoch !== memberEpoch || member.untilMs <= this.nowMs) return false;
    const untilMs = this.nowMs + member.sessionTimeoutMs;
    const members = new Map(this.group.members).set(memberId, { ...member, untilMs });
    this.group = { ...this.group, members };
    return true;
  }

  release(memberId: string, memberEpoch: number, released: MemberView['partitions']): Outcome {
    const named = released.map(({ topicId, partition, ownerEpoch }) => {
      return { key: `${topicId}/${partition}`, ownerEpoch };
    });
    return this.apply({ kind: 'release', memberId, memberEpoch, released: named });
  }

  /** What a member has, as `orders/0 orders/1-`, where what it is to let go has the mark. */
  held(memberId: string): string {
    const { owners, members, topics } = this.group;
    return [...owners]
      .filter(([, owner]) => owner.memberId === memberId)
      .map(([key]) => {
        const [topicId, partition] = key.split('/');
        const mark = members.get(memberId)!.target.has(key) ? '' : '-';
        return `${topics.byId.get(topicId!)!.name}/${partition}${mark}`;
      })
      .sort()
      .join(' ');
  }
}
