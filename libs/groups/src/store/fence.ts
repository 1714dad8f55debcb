import type { Random } from '@sluice/base';

/**
 * A fence is `<coordinator epoch>/<random>/<change>`: what the last writer of a group has left
 * there and every write must name. The random part is new each time that a coordinator takes the
 * group, so no other owner, and no other history of the same Redis, can ever have the same one; the
 * change is counted up with every write, so of two writes based on the same state only one gets
 * through.
 */
export function newFence(coordinatorEpoch: number, random: Random): string {
  return `${coordinatorEpoch}/${random.uuid()}/1`;
}

/** The epoch of the coordinator that has left a fence. */
export function epochOfFence(fence: string): number {
  return Number(/^(\d+)\//.exec(fence)?.[1] ?? 0);
}

/** The fence that follows a write by the same owner. */
export function followingFence(fence: string): string {
  const slash = fence.lastIndexOf('/');
  return `${fence.slice(0, slash)}/${Number(fence.slice(slash + 1)) + 1}`;
}
