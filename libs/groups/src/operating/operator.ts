import type { PartitionBounds, PartitionRef, PartitionStore, TopicCatalog } from '@sluice/log';
import { ErrorCode, errorInfo } from '@sluice/wire';
import type { CommittedOffset, GroupDescription, GroupStateName } from '../api';
import type { GroupCoordinator } from '../coordinator/coordinator';
import { readAssignedPartitions, type AssignedPartition } from './assignment';
import { GroupRefusal } from './group-refusal';

/** What an operator's view of groups is made from. */
export interface GroupOperatorDeps {
  groups: GroupCoordinator;
  catalog: TopicCatalog;
  store: PartitionStore;
}

/** How far a group is in one partition. */
export interface PartitionLag {
  topic: string;
  topicId: string;
  partition: number;
  committedOffset: number;
  leaderEpoch: number;
  metadata: string;
  logStartOffset: number;
  logEndOffset: number;
  /**
   * Records between the committed offset and the log end that are there: those below the log start
   * are deleted, and do not count.
   */
  lag: number;
}

/** A member, and what it reads. */
export interface GroupMember {
  memberId: string;
  groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  /** Null where it cannot be told: the group is no consumer group, or just changes. */
  partitions: AssignedPartition[] | null;
}

/** A group as operators see it. */
export interface GroupView {
  groupId: string;
  state: GroupStateName;
  protocolType: string;
  /** The assignor that was chosen; empty unless the group is Stable. */
  protocol: string;
  members: GroupMember[];
  offsets: PartitionLag[];
  /** Of all partitions together. */
  lag: number;
}

/** What a list tells of a group. */
export interface GroupSummary {
  groupId: string;
  state: GroupStateName;
  protocolType: string;
  /** Null where the group cannot be read. */
  members: number | null;
  lag: number | null;
}

/**
 * What operators ask of groups, at any gateway: how far they are, and to set them elsewhere. It
 * goes through the coordinator where that is this gateway, as the requests of Kafka's own tools do,
 * and else straight to Redis.
 *
 * Methods throw GroupRefusal, and what the log throws when Redis is away.
 */
export class GroupOperator {
  constructor(private readonly deps: GroupOperatorDeps) {}

  /**
   * Groups by their ids, a page at a time.
   *
   * @param request.after only groups behind this id
   */
  async list(request: {
    states?: string[];
    after?: string;
    limit: number;
  }): Promise<{ groups: GroupSummary[]; next: string | null }> {
    const { states, after = '', limit } = request;
    const { errorCode, groups } = await this.deps.groups.listAll({ states });
    check(errorCode);
    const behind = groups
      .filter(({ groupId }) => groupId > after)
      .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
    const page = behind.slice(0, limit);
    const summaries = await Promise.all(
      page.map(async ({ groupId, groupState: state, protocolType }) => {
        const summary = { groupId, state, protocolType, members: null, lag: null };
        try {
          const { members, lag } = await this.describe(groupId);
          return { ...summary, members: members.length, lag };
        } catch (error) {
          // Deleted meanwhile, or not readable: the others are told all the same.
          if (error instanceof GroupRefusal) return summary;
          throw error;
        }
      }),
    );
    const next = behind.length > limit ? page.at(-1)!.groupId : null;
    return { groups: summaries, next };
  }

  /** One group, with how far it is. */
  async describe(groupId: string): Promise<GroupView> {
    const described = await this.deps.groups.operated(groupId).describe(groupId);
    check(described.errorCode, described.errorMessage);
    const offsets = await this.offsets(groupId);
    return {
      groupId,
      state: described.groupState,
      protocolType: described.protocolType,
      protocol: described.protocolData,
      members: membersOf(described),
      offsets,
      lag: offsets.reduce((sum, { lag }) => sum + lag, 0),
    };
  }

  /** How far a group is in each partition for which it has committed, by topic and partition. */
  async offsets(groupId: string): Promise<PartitionLag[]> {
    const { groups, store } = this.deps;
    const { errorCode, offsets } = await groups
      .operated(groupId)
      .fetchOffsets({ groupId, partitions: null });
    check(errorCode);
    // Offsets of deleted topics go in the background.
    const known = offsets.flatMap((offset) => {
      const topic = this.deps.catalog.byId(offset.topicId);
      return topic && offset.partition < topic.partitions ? [{ topic: topic.name, offset }] : [];
    });
    const refs = known.map(({ topic, offset: { topicId, partition } }): PartitionRef => {
      return { topic, topicId, partition };
    });
    const bounds = await store.boundsMany(refs);
    return known
      .flatMap(({ topic, offset }, i) => {
        const ends = bounds[i];
        return ends ? [lagOf(topic, offset, ends)] : [];
      })
      .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
  }

  /** Deletes committed offsets of topics that no member is subscribed to. */
  async deleteOffsets(groupId: string, partitions: readonly AssignedPartition[]): Promise<void> {
    const named = partitions.map(({ topic, partition }) => {
      const topicId = this.deps.catalog.byName(topic)?.id;
      if (topicId !== undefined) return { topicId, topic, partition };
      throw new GroupRefusal('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${topic}`);
    });
    const groups = this.deps.groups.operated(groupId);
    const result = await groups.deleteOffsets({ groupId, partitions: named });
    check(result.errorCode);
    for (const { errorCode } of result.partitions) check(errorCode);
  }

  /** Deletes a group that has no members, with its offsets. */
  async delete(groupId: string): Promise<void> {
    check(await this.deps.groups.operated(groupId).deleteGroup(groupId));
  }
}

/** @throws GroupRefusal for any error code but NONE */
export function check(errorCode: number, message: string | null = null): void {
  if (errorCode === ErrorCode.NONE) return;
  const { name, message: usual } = errorInfo(errorCode);
  throw new GroupRefusal(name, message ?? usual);
}

function lagOf(topic: string, committed: CommittedOffset, ends: PartitionBounds): PartitionLag {
  const { topicId, partition, offset: committedOffset, leaderEpoch, metadata } = committed;
  // What is not confirmed is not there for the group yet, and so no lag (as in Kafka's tools).
  const { logStartOffset, highWatermark: logEndOffset } = ends;
  const lag = Math.max(0, logEndOffset - Math.max(committedOffset, logStartOffset));
  const place = { topic, topicId, partition, committedOffset, leaderEpoch, metadata };
  return { ...place, logStartOffset, logEndOffset, lag };
}

function membersOf({ protocolType, groupState, members }: GroupDescription): GroupMember[] {
  const isSettled = groupState === 'Stable' || groupState === 'Reconciling';
  const isReadable = protocolType === 'consumer' && isSettled;
  return members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => {
    const partitions = isReadable ? readAssignedPartitions(memberAssignment) : null;
    return { memberId, groupInstanceId, clientId, clientHost, partitions };
  });
}
