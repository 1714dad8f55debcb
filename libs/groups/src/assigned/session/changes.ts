import type { Clock } from '@sluice/base';
import type { GroupLimits } from '../../limits';
import { StaleGroup } from '../../store/errors';
import { GroupContended } from '../group-refused';
import type { AssignedEvent, Outcome } from '../machine/assigned-events';
import type { AssignedGroup, TopicsSeen } from '../machine/assigned-group';
import { step } from '../machine/assigned-machine';
import type { AssignedStore } from '../stored/assigned-store';

export interface GroupChangesDeps {
  store: AssignedStore;
  clock: Clock;
  limits: GroupLimits;
  /** All topics, at least as new as the version that is named; null where they are not known. */
  topics: (versionMin: number) => TopicsSeen | null;
}

/**
 * Changes of a group, without anybody who has it: it is read, put through the machine, and saved if
 * nobody else has changed it meanwhile; else all is done again, a bounded number of times. An event
 * whose outcome is unknown may be put in again.
 */
export class GroupChanges {
  constructor(private readonly deps: GroupChangesDeps) {}

  /**
   * @throws GroupContended, UnreadableGroup, ClassicGroupInUse; what `RedisLink` throws
   */
  async apply(
    groupId: string,
    event: AssignedEvent,
  ): Promise<{ group: AssignedGroup; outcome: Outcome }> {
    const { store, clock, limits } = this.deps;
    const { changeAttemptsMax, groupMembersMax: membersMax } = limits;
    const maker = 'memberId' in event ? event.memberId : null;
    for (let attempt = 1; attempt <= changeAttemptsMax; attempt++) {
      const found = await store.read(groupId);
      const topics = this.deps.topics(found.group.topics.version);
      const context = { nowMicros: found.nowMicros, topics, membersMax };
      const { group, outcome, affected } = step(found.group, event, context);
      // Who makes the change learns of it by the outcome.
      const others = affected.filter((memberId) => memberId !== maker);
      try {
        await store.save(found, group, others);
        return { group, outcome };
      } catch (error) {
        if (!(error instanceof StaleGroup)) throw error;
        // Of those that race one gets through each time, so later rounds are given more room.
        const delayMs = Math.min(attempt, limits.changeDelayMsMax);
        await new Promise<void>((resolve) => void clock.setTimer(delayMs, resolve));
      }
    }
    throw new GroupContended(groupId, changeAttemptsMax);
  }
}
