import assert from 'node:assert';
import type { GroupStateName } from '../../api';

/**
 * The states of a classic group. Each lists what it answers (action) and how it ends (transition).
 * Every request from a member that the group knows starts the member's session anew, whatever it is
 * answered.
 */
export enum GroupState {
  /**
   * No members. The group exists for its committed offsets, or for ids handed out that have not
   * joined yet.
   *
   * action: join by a new member → a rebalance begins, or MEMBER_ID_REQUIRED (KIP-394)
   *         join with a pending id → a rebalance begins; with any other id → UNKNOWN_MEMBER_ID
   *         sync, heartbeat, leave → UNKNOWN_MEMBER_ID
   *         commit with generation -1 → accepted; else → UNKNOWN_MEMBER_ID
   * transition: first member joins → PreparingRebalance
   *             deleted, or offsets and pending ids all gone → Dead
   */
  Empty = 'empty',
  /**
   * The group waits for its members to join the next generation. The first rebalance of an empty
   * group waits for the initial delay, a later one until everyone has joined, at most for the
   * largest rebalance timeout.
   *
   * action: join → parked until the generation begins; its session does not run meanwhile
   *         sync, heartbeat → REBALANCE_IN_PROGRESS
   *         leave → the member is removed
   *         commit of the generation that ends → accepted
   * transition: all known members have joined and no id is pending → CompletingRebalance
   *             rebalance timeout, somebody has joined → CompletingRebalance without the others
   *             all members left → Empty
   */
  PreparingRebalance = 'preparing-rebalance',
  /**
   * The generation has begun; the leader works out the assignment.
   *
   * action: sync from a follower → parked until the leader's; its session does not run meanwhile
   *         sync from the leader → everybody who waits gets their assignment
   *         join with the same metadata → the current generation again (the first answer was lost)
   *         heartbeat → no error
   *         commit → REBALANCE_IN_PROGRESS
   * transition: sync from the leader → Stable
   *             join by a new member or with other metadata, leave, expired session
   *               → PreparingRebalance; parked syncs are answered REBALANCE_IN_PROGRESS
   *             rebalance timeout, somebody has not synced → PreparingRebalance without them
   */
  CompletingRebalance = 'completing-rebalance',
  /**
   * Every member has, or can fetch, its assignment.
   *
   * action: sync → the member's assignment
   *         join from a follower with the same metadata → the current generation
   *         join by a static member's new process, same subscription → the current generation
   *           under a new member id
   *         heartbeat, commit → no error
   * transition: join by a new member, from the leader, or with other metadata; leave; expired
   *               session; rebalance timeout, somebody has not synced → PreparingRebalance
   */
  Stable = 'stable',
  /**
   * Deleted. The next request to the same group id makes a new group.
   *
   * action: everything → COORDINATOR_NOT_AVAILABLE; the client tries again
   * transition: none
   */
  Dead = 'dead',
}

const previousStates: Readonly<Record<GroupState, readonly GroupState[]>> = {
  [GroupState.Empty]: [GroupState.PreparingRebalance],
  [GroupState.PreparingRebalance]: [
    GroupState.Empty,
    GroupState.CompletingRebalance,
    GroupState.Stable,
  ],
  [GroupState.CompletingRebalance]: [GroupState.PreparingRebalance],
  [GroupState.Stable]: [GroupState.CompletingRebalance],
  [GroupState.Dead]: [GroupState.Empty],
};

/** Stops the process's work on a group when a transition is not one of those documented above. */
export function checkTransition(from: GroupState, to: GroupState): void {
  assert(previousStates[to].includes(from), `a group cannot go from ${from} to ${to}`);
}

/** The names that Kafka's admin requests use. */
export const stateNames: Readonly<Record<GroupState, GroupStateName>> = {
  [GroupState.Empty]: 'Empty',
  [GroupState.PreparingRebalance]: 'PreparingRebalance',
  [GroupState.CompletingRebalance]: 'CompletingRebalance',
  [GroupState.Stable]: 'Stable',
  [GroupState.Dead]: 'Dead',
};
