import { strict as assert } from 'node:assert';
import { ErrorCode } from '@sluice/wire';
import type {
  DeleteOffsetsRequest,
  DeleteOffsetsResult,
  GroupDescription,
  LeaveRequest,
  LeaveResult,
} from '../../api';
import type { GroupStates } from '../../store/group-states';
import { isAssignedHead } from '../../store/head';
import type { CommittedOffsets } from '../../store/offsets';
import type { Removal } from '../machine/assigned-events';
import type { AssignedGroup } from '../machine/assigned-group';
import type { GroupChanges } from '../session/changes';
import type { AssignedStore } from '../stored/assigned-store';
import { describeAssigned, subscribedNames } from './assigned-description';

export interface AssignedGroupsDeps {
  states: GroupStates;
  store: AssignedStore;
  offsets: CommittedOffsets;
  changes: GroupChanges;
}

/**
 * Groups with assignment by the server, as Kafka's requests see them. They have no coordinator:
 * each request is answered from Redis.
 *
 * All methods throw UnreadableGroup, GroupContended, and what `RedisLink` throws.
 */
export class AssignedGroups {
  constructor(private readonly deps: AssignedGroupsDeps) {}

  /** Whether the group is one of these, be it with members or without. */
  async has(groupId: string): Promise<boolean> {
    const [head] = await this.deps.states.heads([groupId]);
    return typeof head === 'string' && isAssignedHead(head);
  }

  /** The group as it is now: members whose sessions are over are removed first. */
  async look(groupId: string): Promise<AssignedGroup> {
    const { group } = await this.deps.changes.apply(groupId, { kind: 'look' });
    return group;
  }

  /** DescribeGroups. */
  async describe(groupId: string): Promise<GroupDescription> {
    return describeAssigned(await this.look(groupId));
  }

  /** LeaveGroup: members never send it, so it is an operator who takes them out. */
  async leave({ groupId, members }: LeaveRequest): Promise<LeaveResult> {
    const named = members.map(({ memberId, groupInstanceId: instanceId }) => {
      return { memberId, instanceId };
    });
    const event = { kind: 'remove' as const, members: named };
    const { outcome } = await this.deps.changes.apply(groupId, event);
    assert(outcome.kind === 'removed');
    const results = members.map(({ memberId, groupInstanceId }, at) => {
      return { memberId, groupInstanceId, errorCode: codeOf[outcome.removals[at]!] };
    });
    return { errorCode: ErrorCode.NONE, members: results };
  }

  /** OffsetDelete (KIP-496): removes offsets of topics that no member is subscribed to. */
  async deleteOffsets({ groupId, partitions }: DeleteOffsetsRequest): Promise<DeleteOffsetsResult> {
    const { group, fence } = await this.deps.store.read(groupId);
    const subscribed = subscribedNames(group);
    const free = partitions.filter(({ topic }) => !subscribed.has(topic));
    await this.deps.offsets.delete(groupId, fence, free);
    const results = partitions.map(({ topicId, topic, partition }) => {
      const isTaken = subscribed.has(topic);
      const errorCode = isTaken ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
      return { topicId, topic, partition, errorCode };
    });
    return { errorCode: ErrorCode.NONE, partitions: results };
  }
}

const codeOf: Readonly<Record<Removal, number>> = {
  removed: ErrorCode.NONE,
  unknown: ErrorCode.UNKNOWN_MEMBER_ID,
  fenced: ErrorCode.FENCED_INSTANCE_ID,
};
