import {
  ErrorCode,
  errorInfo,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '@sluice/wire';
import type { Outcome } from '../history/operation';
import type { ClusterClient, Peer } from './cluster-client';
import { decodeAssignment, encodeAssignment, encodeSubscription } from './member-protocol';

/** What a member has in a generation. */
export interface Place {
  memberId: string;
  generation: number;
  partitions: number[];
}

/** An answer of the coordinator that ends a place. */
export class PlaceLost extends Error {
  /** @param code Kafka's error code */
  constructor(readonly code: number) {
    super(errorInfo(code).name);
  }
}

const sessionTimeoutMs = 6_000;
const rebalanceTimeoutMs = 6_000;
const protocol = { type: 'consumer', name: 'even' };

/** These say that another gateway, or nobody, coordinates the group now. */
const moved = new Set<number>([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
]);

/** The requests of one member of a group, by our own wire library. */
export class GroupSession {
  #memberId = '';

  constructor(
    private readonly cluster: ClusterClient,
    private readonly group: string,
    private readonly topic: string,
    private readonly partitions: number,
  ) {}

  /** Joins, or joins again; the leader shares the partitions out evenly. */
  async join(): Promise<Place> {
    const { group: groupId, topic } = this;
    const protocols = [{ name: protocol.name, metadata: encodeSubscription(topic) }];
    const about = { groupId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType: protocol.type };
    const joined = await this.#ask(async ({ client }) => {
      const hello = { ...about, memberId: this.#memberId, protocols };
      const reply = await client.send(JoinGroup, 5, hello);
      if (reply.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) return reply;
      this.#memberId = reply.memberId;
      return client.send(JoinGroup, 5, { ...hello, memberId: reply.memberId });
    });
    this.#memberId = joined.memberId;
    const isLeader = joined.leader === joined.memberId;
    const members = isLeader ? joined.members.map(({ memberId }) => memberId).sort() : [];
    const { memberId, generationId } = joined;
    const assignments = members.map((one, at) => ({
      memberId: one,
      assignment: encodeAssignment(topic, this.#shareOf(at, members.length)),
    }));
    const asked = { groupId, memberId, generationId, assignments };
    const { assignment } = await this.#ask(({ client }) => client.send(SyncGroup, 3, asked));
    return { memberId, generation: generationId, partitions: decodeAssignment(assignment) };
  }

  /** @throws PlaceLost where it has to join again */
  async heartbeat({ memberId, generation }: Place): Promise<void> {
    const asked = { groupId: this.group, memberId, generationId: generation };
    await this.#ask(({ client }) => client.send(Heartbeat, 3, asked));
  }

  /** The committed offset of a partition; null: none. */
  async committed(partition: number): Promise<number | null> {
    const topics = [{ name: this.topic, partitionIndexes: [partition] }];
    const asked = { groupId: this.group, topics };
    const reply = await this.#ask(({ client }) => client.send(OffsetFetch, 5, asked));
    const { errorCode, committedOffset } = reply.topics[0]!.partitions[0]!;
    if (errorCode !== ErrorCode.NONE) throw new PlaceLost(errorCode);
    return committedOffset < 0 ? null : committedOffset;
  }

  /** Commits how far it has come in one partition; throws only what ends its place. */
  async commit(place: Place, partition: number, offset: number): Promise<CommitResult> {
    const { memberId, generation } = place;
    const one = { partitionIndex: partition, committedOffset: offset, committedMetadata: null };
    const topics = [{ name: this.topic, partitions: [one] }];
    const asked = { groupId: this.group, memberId, generationIdOrMemberEpoch: generation, topics };
    let peer: Peer;
    try {
      peer = await this.cluster.coordinator(this.group);
    } catch (error) {
      this.cluster.forget();
      return { outcome: 'refused', why: (error as Error).message, code: null };
    }
    try {
      const reply = await peer.client.send(OffsetCommit, 7, asked);
      const code = reply.topics[0]!.partitions[0]!.errorCode;
      if (code === ErrorCode.NONE) return { outcome: 'done', code };
      if (moved.has(code)) this.cluster.forget();
      // "Not available" is also said of a commit whose outcome nobody knows.
      const isUnknown = code === ErrorCode.COORDINATOR_NOT_AVAILABLE;
      return { outcome: isUnknown ? 'unknown' : 'refused', why: errorInfo(code).name, code };
    } catch (error) {
      this.cluster.drop(peer);
      return { outcome: 'unknown', why: (error as Error).message, code: null };
    }
  }

  /** Leaves; the next join is that of a new member. */
  async leave({ memberId }: Place): Promise<void> {
    this.forget();
    const members = [{ memberId, groupInstanceId: null }];
    await this.#ask(({ client }) => client.send(LeaveGroup, 3, { groupId: this.group, members }));
  }

  /** The next join is that of a new member. */
  forget(): void {
    this.#memberId = '';
  }

  #shareOf(at: number, members: number): number[] {
    const all = Array.from({ length: this.partitions }, (_, partition) => partition);
    return all.filter((partition) => partition % members === at);
  }

  async #ask<T extends { errorCode?: number }>(send: (peer: Peer) => Promise<T>): Promise<T> {
    const peer = await this.cluster.coordinator(this.group);
    let reply: T;
    try {
      reply = await send(peer);
    } catch (error) {
      this.cluster.drop(peer);
      throw error;
    }
    const { errorCode = ErrorCode.NONE } = reply;
    if (errorCode === ErrorCode.NONE) return reply;
    if (moved.has(errorCode)) this.cluster.forget();
    throw new PlaceLost(errorCode);
  }
}

export interface CommitResult {
  outcome: Outcome;
  why?: string;
  code: number | null;
}
