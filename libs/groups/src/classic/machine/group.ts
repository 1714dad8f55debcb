import type { GroupProtocol } from '../../api';
import { GroupState } from './states';

/** A member. Values are never changed in place: a change makes a new object. */
export interface Member {
  readonly memberId: string;
  /** Set for static members (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Best first. */
  readonly protocols: readonly GroupProtocol[];
  readonly assignment: Buffer;
  /**
   * The parked JoinGroup. This and what follows is not stored: a parked request dies with its
   * gateway.
   */
  readonly joinTicket: number | null;
  /** The parked SyncGroup. */
  readonly syncTicket: number | null;
  /** It has joined but has not been told its generation yet, so it cannot heartbeat. */
  readonly isNew: boolean;
  /** It was told the generation and has not asked for its assignment yet. */
  readonly owesSync: boolean;
}

/** A group as a value. */
export interface Group {
  readonly groupId: string;
  readonly state: GroupState;
  /** Rises with every rebalance; 0 before the first. */
  readonly generationId: number;
  /**
   * Kept while the group is Empty after it had members; null for a group of committed offsets only.
   */
  readonly protocolType: string | null;
  /** The chosen protocol; null unless a generation has members. */
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  /** By member id, in the order in which they joined. */
  readonly members: ReadonlyMap<string, Member>;
  /** Ids handed out with MEMBER_ID_REQUIRED (KIP-394), and their session timeouts in ms. */
  readonly pending: ReadonlyMap<string, number>;
  /** The initial delay that is running; not stored. */
  readonly initialDelay: InitialDelay | null;
}

/** The first rebalance of an empty group waits for more members, in steps. */
export interface InitialDelay {
  /** What may still be added to the wait, ms. */
  readonly remainingMs: number;
  /** Somebody joined during the current step, so another follows. */
  readonly newMemberAdded: boolean;
}

/** `session/<member id>`, `pending/<member id>`, or one of the two of the whole group. */
export type TimerId = 'rebalance' | 'sync' | `session/${string}` | `pending/${string}`;

export const noBytes: Buffer = Buffer.alloc(0);

/** A group that has nothing yet. */
export function newGroup(groupId: string): Group {
  return {
    groupId,
    state: GroupState.Empty,
    generationId: 0,
    protocolType: null,
    protocolName: null,
    leaderId: null,
    members: new Map(),
    pending: new Map(),
    initialDelay: null,
  };
}

/** The member id that a static member's instance id stands for. */
export function staticMemberId(group: Group, instanceId: string): string | undefined {
  for (const member of group.members.values()) {
    if (member.instanceId === instanceId) return member.memberId;
  }
  return undefined;
}

/** A member's metadata for the given protocol; empty when it does not offer it. */
export function metadataFor(member: Member, protocolName: string | null): Buffer {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? noBytes;
}

/** Whether two lists offer the same protocols in the same order with the same bytes. */
export function sameProtocols(
  left: readonly GroupProtocol[],
  right: readonly GroupProtocol[],
): boolean {
  return (
    left.length === right.length &&
    left.every((protocol, index) => {
      const other = right[index]!;
      return protocol.name === other.name && protocol.metadata.equals(other.metadata);
    })
  );
}

/** What the group waits for at most in a rebalance: the largest timeout among its members, ms. */
export function rebalanceTimeoutMs(group: Group): number {
  let largest = 0;
  for (const member of group.members.values()) {
    largest = Math.max(largest, member.rebalanceTimeoutMs);
  }
  return largest;
}
