import { partitionKey } from '../assignors/assignor';
import type { HeldPartition, MemberView } from '../machine/assigned-events';
import type { MemberPartition } from './session-api';

interface Held extends MemberPartition {
  isRevoking: boolean;
  /** It was let go; that is on its way, or not yet in Redis. */
  isReleased: boolean;
}

/** What is new for a member. */
export interface ViewChanges {
  granted: MemberPartition[];
  revoking: MemberPartition[];
  lost: MemberPartition[];
}

/** What a member has, as it was told so far. */
export class Holdings {
  readonly #held = new Map<string, Held>();

  get all(): MemberPartition[] {
    return [...this.#held.values()].filter(({ isReleased }) => !isReleased).map(named);
  }

  /** What is to be let go with the next change. */
  get released(): { key: string; ownerEpoch: number }[] {
    const found: { key: string; ownerEpoch: number }[] = [];
    for (const [key, { ownerEpoch, isReleased }] of this.#held) {
      if (isReleased) found.push({ key, ownerEpoch });
    }
    return found;
  }

  has({ topicId, partition, ownerEpoch }: Omit<MemberPartition, 'topic'>): boolean {
    const held = this.#held.get(partitionKey(topicId, partition));
    return held?.ownerEpoch === ownerEpoch && !held.isReleased;
  }

  /** Notes that one is let go; one that the member does not have in this epoch is passed over. */
  release({ topicId, partition, ownerEpoch }: Omit<MemberPartition, 'topic'>): void {
    const held = this.#held.get(partitionKey(topicId, partition));
    if (held?.ownerEpoch === ownerEpoch) held.isReleased = true;
  }

  clear(): void {
    this.#held.clear();
  }

  /** What a view would bring that is not known yet; `take` makes it so. */
  compare({ partitions }: MemberView): ViewChanges {
    const changes: ViewChanges = { granted: [], revoking: [], lost: [] };
    const inView = new Map(partitions.map((one) => [keyOf(one), one]));
    for (const [key, held] of this.#held) {
      const isKept = inView.get(key)?.ownerEpoch === held.ownerEpoch;
      if (!isKept && !held.isReleased) changes.lost.push(named(held));
    }
    for (const [key, one] of inView) {
      const held = this.#held.get(key);
      if (held?.ownerEpoch !== one.ownerEpoch) {
        if (!one.isRevoked) changes.granted.push(named(one));
      } else if (one.isRevoked && !held.isRevoking && !held.isReleased) {
        changes.revoking.push(named(held));
      }
    }
    return changes;
  }

  /** Takes a view over. What was revoked before the member was told that it has it is let go. */
  take({ partitions }: MemberView): void {
    const inView = new Map(partitions.map((one) => [keyOf(one), one]));
    for (const [key, held] of this.#held) {
      if (inView.get(key)?.ownerEpoch !== held.ownerEpoch) this.#held.delete(key);
    }
    for (const [key, one] of inView) {
      const held = this.#held.get(key);
      if (held !== undefined) held.isRevoking ||= one.isRevoked;
      else {
        const isRevoking = one.isRevoked;
        this.#held.set(key, { ...named(one), isRevoking, isReleased: isRevoking });
      }
    }
  }
}

function keyOf({ topicId, partition }: HeldPartition): string {
  return partitionKey(topicId, partition);
}

function named({ topicId, topic, partition, ownerEpoch }: MemberPartition): MemberPartition {
  return { topicId, topic, partition, ownerEpoch };
}
