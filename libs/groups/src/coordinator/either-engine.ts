import { ErrorCode } from '@sluice/wire';
import type { AssignedGroups } from '../assigned/door/assigned-groups';
import { UnreadableGroup } from '../store/errors';
import { assignedInstead } from './assigned-instead';
import type { Quarantine } from './quarantine';
import type { Troubles } from './troubles';

export interface EitherEngineDeps {
  assigned: AssignedGroups;
  quarantine: Quarantine;
  troubles: Troubles;
  /** Whether this coordinator still answers for the group. */
  isServed: (groupId: string) => boolean;
}

/** A request for a group of which it is not known yet of which engine it is. */
export interface GroupRequest<T> {
  groupId: string;
  classic: () => Promise<T>;
  refusal: (errorCode: number) => T;
  /** What is answered where the group has members of the other engine: an error code, or more. */
  assigned: number | (() => Promise<T>);
}

/**
 * Takes a request to the classic engine, and where that finds members of the other one answers it
 * as is right for those. Members whose sessions are over do not count.
 */
export class EitherEngine {
  constructor(private readonly deps: EitherEngineDeps) {}

  async ask<T extends number | { errorCode: number }>(request: GroupRequest<T>): Promise<T> {
    const { groupId, classic, refusal } = request;
    const { assigned, quarantine, troubles } = this.deps;
    const first = await classic();
    const isRival = codeOf(first) === ErrorCode.NOT_COORDINATOR;
    if (!isRival && codeOf(first) !== assignedInstead) return first;
    if (!this.deps.isServed(groupId)) return refusal(ErrorCode.NOT_COORDINATOR);
    try {
      if (isRival) {
        // It may be no other coordinator that has changed the group, but its members.
        const second = (await assigned.has(groupId)) ? await classic() : first;
        if (codeOf(second) !== assignedInstead) return second;
      }
      const { members } = await assigned.look(groupId);
      if (members.size === 0) return await this.#again(request);
      const { assigned: answer } = request;
      return typeof answer === 'number' ? refusal(answer) : await answer();
    } catch (error) {
      if (!(error instanceof UnreadableGroup)) {
        troubles.note('a request', groupId, error);
        return refusal(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      }
      // Then the classic engine answers as for any group that cannot be served.
      quarantine.add(groupId, error);
      return this.#again(request);
    }
  }

  async #again<T extends number | { errorCode: number }>(request: GroupRequest<T>): Promise<T> {
    const result = await request.classic();
    if (codeOf(result) !== assignedInstead) return result;
    return request.refusal(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }
}

function codeOf(result: number | { errorCode: number }): number {
  return typeof result === 'number' ? result : result.errorCode;
}
