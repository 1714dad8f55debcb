import { ErrorCode } from '@sluice/wire';
import type { DescribedMember, GroupDescription, GroupStateName } from '../../api';
import { parseOffsetField } from '../../store/offset-codec';
import { chosenAssignor } from '../assignors/assignors';
import {
  stateOf,
  type AssignedGroup,
  type AssignedMember,
  type AssignedState,
} from '../machine/assigned-group';
import { subscribedTopicIds } from '../machine/subscriptions';

/** Kafka's names of the states of a group with assignment by the server (KIP-848). */
export const assignedStateNames: Readonly<Record<AssignedState, GroupStateName>> = {
  empty: 'Empty',
  reconciling: 'Reconciling',
  stable: 'Stable',
};

/**
 * What DescribeGroups tells of a group. Subscriptions and assignments are in the form that
 * consumers use, version 0, so that Kafka's tools can read them; what a member has is told, not
 * what it is to have.
 */
export function describeAssigned(group: AssignedGroup): GroupDescription {
  const held = new Map<string, Map<string, number[]>>();
  for (const memberId of group.members.keys()) held.set(memberId, new Map());
  for (const [key, { memberId }] of group.owners) {
    const { topicId, partition } = parseOffsetField(key);
    const topic = group.topics.byId.get(topicId)!.name;
    const byTopic = held.get(memberId)!;
    const partitions = byTopic.get(topic);
    if (partitions === undefined) byTopic.set(topic, [partition]);
    else partitions.push(partition);
  }
  const members = [...group.members.values()];
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId: group.groupId,
    groupState: assignedStateNames[stateOf(group)],
    protocolType: 'consumer',
    protocolData: chosenAssignor(members.map(({ assignor }) => assignor)),
    members: members.map((member) => describeMember(group, member, held.get(member.memberId)!)),
  };
}

/** Names of the topics that some member subscribes to. */
export function subscribedNames(group: AssignedGroup): Set<string> {
  const names = [...group.members.values()].map((member) => namesOf(group, member));
  return new Set(names.flat());
}

function describeMember(
  group: AssignedGroup,
  member: AssignedMember,
  held: ReadonlyMap<string, readonly number[]>,
): DescribedMember {
  const { memberId, instanceId: groupInstanceId, clientId, clientHost } = member;
  return {
    memberId,
    groupInstanceId,
    clientId,
    clientHost,
    memberMetadata: encodeSubscription(namesOf(group, member)),
    memberAssignment: encodeAssignment(held),
  };
}

function namesOf({ topics }: AssignedGroup, { subscription }: AssignedMember): string[] {
  const found = [...subscribedTopicIds(subscription, topics.byId)];
  return [...new Set([...subscription.topics, ...found.map((id) => topics.byId.get(id)!.name)])];
}

/** ConsumerProtocolSubscription, version 0. */
function encodeSubscription(topics: readonly string[]): Buffer {
  return Buffer.concat([version, int32(topics.length), ...topics.map(text), noUserData]);
}

/** ConsumerProtocolAssignment, version 0. */
function encodeAssignment(held: ReadonlyMap<string, readonly number[]>): Buffer {
  const topics = [...held].map(([topic, partitions]) => {
    const numbers = [...partitions].sort((left, right) => left - right).map(int32);
    return Buffer.concat([text(topic), int32(partitions.length), ...numbers]);
  });
  return Buffer.concat([version, int32(topics.length), ...topics, noUserData]);
}

const version = Buffer.from([0, 0]);
const noUserData = int32(-1);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
