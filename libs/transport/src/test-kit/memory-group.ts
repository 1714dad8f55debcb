import type { SeekTarget } from '@sluice/streams';
import type { MemoryLog } from './memory-log';
import type { Progress } from './memory-partition';

/** What a group asks of its members. */
export interface MemoryMember {
  wants(topic: string): boolean;
  grant(topic: string, partition: number): void;
  /** The member calls `freed` when it has let go. */
  revoke(topic: string, partition: number): void;
  recordsCame(): void;
  /** Everything that it owns is taken away at once. */
  expire(): void;
}

/**
 * A group in memory: each partition has one owner at a time, and passes to another only when the
 * first has let it go.
 */
export class MemoryGroup {
  readonly #members: MemoryMember[] = [];
  readonly #owners = new Map<string, MemoryMember>();
  readonly #progress = new Map<string, Progress>();

  constructor(private readonly log: MemoryLog) {}

  join(member: MemoryMember): void {
    this.#members.push(member);
    this.assign();
  }

  leave(member: MemoryMember): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    this.assign();
  }

  /** As if all members had been silent for too long. */
  expire(): void {
    for (const member of this.#members) member.expire();
  }

  /** Its owner has let it go. */
  freed(topic: string, partition: number): void {
    this.#owners.delete(`${topic}/${partition}`);
    queueMicrotask(() => this.assign());
  }

  /** Begins where the group was, or, where it never was, as the member says. */
  progressIn(topic: string, partition: number, startFrom: SeekTarget): Progress {
    const name = `${topic}/${partition}`;
    let progress = this.#progress.get(name);
    if (progress === undefined) {
      const next = this.log.offsetAt(topic, partition, startFrom);
      progress = { done: next, given: next };
      this.#progress.set(name, progress);
    }
    return progress;
  }

  /** Whether everything that is there of these topics was dealt with. */
  isDone(topic: string): boolean {
    for (let partition = 0; partition < this.log.partitionCount(topic); partition++) {
      const progress = this.#progress.get(`${topic}/${partition}`);
      if (progress === undefined) return false;
      if (progress.done < this.log.endOf(topic, partition)) return false;
    }
    return true;
  }

  /** Whether some member takes the topic's records. */
  reads(topic: string): boolean {
    return this.#members.some((member) => member.wants(topic));
  }

  /** Gives each partition to the member whose turn it is; tells all that there may be records. */
  assign(): void {
    for (const topic of this.log.topicNames) {
      const members = this.#members.filter((member) => member.wants(topic));
      for (let partition = 0; partition < this.log.partitionCount(topic); partition++) {
        this.#assignOne(topic, partition, members[partition % members.length]);
      }
    }
    for (const member of this.#members) member.recordsCame();
  }

  #assignOne(topic: string, partition: number, target: MemoryMember | undefined): void {
    const name = `${topic}/${partition}`;
    const owner = this.#owners.get(name);
    if (owner === target) return;
    if (owner !== undefined) return owner.revoke(topic, partition);
    if (target === undefined) return;
    this.#owners.set(name, target);
    target.grant(topic, partition);
  }
}
