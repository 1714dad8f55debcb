import { silentMetrics, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { ErrorCode } from '@sluice/wire';
import type {
  CommitRequest,
  CommitResult,
  DeleteOffsetsRequest,
  DeleteOffsetsResult,
  FetchOffsetsRequest,
  FetchOffsetsResult,
  GroupDescription,
  HeartbeatRequest,
  HeartbeatResult,
  JoinRequest,
  JoinResult,
  LeaveRequest,
  LeaveResult,
  ListGroupsRequest,
  ListGroupsResult,
  SyncRequest,
  SyncResult,
} from '../api';
import { AssignedGroups } from '../assigned/door/assigned-groups';
import { GroupChanges } from '../assigned/session/changes';
import { AssignedStore } from '../assigned/stored/assigned-store';
import { ClassicGroups } from '../classic/coordinator/classic-groups';
import { deadGroup } from '../classic/coordinator/describe';
import { deletionRefusal } from '../classic/coordinator/offset-deletion';
import { joinRefusal, syncRefusal } from '../classic/machine/answers';
import { ClassicStore, type Stores } from '../classic/stored/classic-store';
import { onFindings, type GroupFindings } from '../housekeeping/findings';
import { defaultGroupLimits, type GroupLimits } from '../limits';
import { GroupMeter } from '../metrics';
import { GroupIndex } from '../store/group-index';
import { CommittedOffsets } from '../store/offsets';
import { GroupStates } from '../store/group-states';
import { checkCommittedOffset } from './committed-offset';
import { EitherEngine } from './either-engine';
import { GroupsElsewhere, type OperatedGroups } from './elsewhere';
import { loneCoordinator, type GroupCluster } from './group-cluster';
import { listGroups } from './group-list';
import { OffsetReader } from './offset-reader';
import { Quarantine } from './quarantine';
import { Troubles } from './troubles';

export interface GroupCoordinatorDeps {
  redis: RedisLink;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics?: Metrics;
  limits?: Partial<GroupLimits>;
  /**
   * Tells with which epoch this gateway coordinates a group, if it does: all others are answered
   * NOT_COORDINATOR. A group whose last owner had a later epoch is not taken from it. Left out, it
   * coordinates all with epoch 0; then the random part of the fence alone tells one owner from
   * another, and the last who took a group has it.
   */
  cluster?: GroupCluster;
}

/**
 * The coordinator of the consumer groups: what the broker's group handlers call. Results carry
 * Kafka's error codes; nothing is thrown for a refusal or for a Redis that is away, and every
 * promise is settled within the group's own timeouts. Groups are read from Redis when they are
 * first asked for.
 */
export class GroupCoordinator {
  readonly #limits: GroupLimits;
  readonly #cluster: GroupCluster;
  readonly #stores: Stores;
  readonly #classic: ClassicGroups;
  readonly #assigned: AssignedGroups;
  readonly #either: EitherEngine;
  readonly #elsewhere: GroupsElsewhere;
  readonly #offsets: OffsetReader;
  readonly #quarantine: Quarantine;
  readonly #troubles: Troubles;
  readonly #undo: (() => unknown)[] = [];
  readonly #unobserve: () => void;
  #isStopped = false;

  constructor(private readonly deps: GroupCoordinatorDeps) {
    const { redis, random } = deps;
    const limits = { ...defaultGroupLimits, ...deps.limits };
    const common = { clock: deps.clock, log: deps.log, limits };
    const stores: Stores = {
      states: new GroupStates(redis, limits, random),
      offsets: new CommittedOffsets(redis, limits),
      index: new GroupIndex(redis, limits),
    };
    const troubles = new Troubles(common);
    const quarantine = new Quarantine(common);
    this.#limits = limits;
    this.#cluster = deps.cluster ?? loneCoordinator;
    this.#stores = stores;
    this.#troubles = troubles;
    this.#quarantine = quarantine;
    const meter = new GroupMeter(deps.metrics ?? silentMetrics);
    const shared = { ...common, stores, troubles, quarantine, meter };
    this.#classic = new ClassicGroups({ ...shared, random, cluster: this.#cluster });
    const store = new AssignedStore(redis, limits, random);
    // Whoever only looks leaves the topics as the members know them.
    const changes = new GroupChanges({ ...common, store, topics: () => null });
    this.#assigned = new AssignedGroups({ ...stores, store, changes });
    const isServed = (groupId: string) => this.coordinates(groupId);
    this.#either = new EitherEngine({ assigned: this.#assigned, quarantine, troubles, isServed });
    this.#offsets = new OffsetReader({ ...common, offsets: stores.offsets, troubles });
    this.#elsewhere = new GroupsElsewhere({
      store: new ClassicStore(stores),
      assigned: this.#assigned,
      offsets: stores.offsets,
      reader: this.#offsets,
      troubles,
      limits,
    });
    this.#unobserve = meter.observe(() => this.#classic.inMemory());
  }

  /** The limits in force. */
  get limits(): Readonly<GroupLimits> {
    return this.#limits;
  }

  /** Whether this gateway answers for a group; else NOT_COORDINATOR is the answer to everything. */
  coordinates(groupId: string): boolean {
    return !this.#isStopped && this.#cluster.coordinatorEpochOf(groupId) !== null;
  }

  /** Begins the background work. No group is read yet. */
  start(): void {
    this.#undo.push(
      this.deps.redis.onReady(({ historyChanged }) => {
        if (historyChanged) this.#classic.renewAll();
      }),
    );
    this.#undo.push(
      this.#cluster.onChange(({ coordinators }) => {
        if (coordinators) this.#classic.reassigned();
      }),
    );
    this.#classic.start();
    void this.#listen();
  }

  /**
   * Answers every parked and waiting request NOT_COORDINATOR, and waits for what is on its way to
   * Redis.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled(this.#undo.splice(0).map((undo) => undo()));
    this.#unobserve();
    await this.#classic.stop(ErrorCode.NOT_COORDINATOR);
    this.#troubles.stop();
  }

  /** JoinGroup: waits until the next generation begins, or is refused at once. */
  async join(request: JoinRequest): Promise<JoinResult> {
    const errorCode = this.#check(request.groupId);
    if (errorCode !== ErrorCode.NONE) return joinRefusal(errorCode, request.memberId);
    return this.#either.ask({
      groupId: request.groupId,
      classic: () => this.#classic.join(request),
      refusal: (code) => joinRefusal(code, request.memberId),
      assigned: ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    });
  }

  /** SyncGroup: a follower waits for the leader's assignment. */
  async sync(request: SyncRequest): Promise<SyncResult> {
    const errorCode = this.#check(request.groupId);
    if (errorCode !== ErrorCode.NONE) return syncRefusal(errorCode);
    return this.#either.ask({
      groupId: request.groupId,
      classic: () => this.#classic.sync(request),
      refusal: syncRefusal,
      assigned: ErrorCode.UNKNOWN_MEMBER_ID,
    });
  }

  /** Heartbeat: answered from memory. */
  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResult> {
    const errorCode = this.#check(request.groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode };
    return this.#either.ask<HeartbeatResult>({
      groupId: request.groupId,
      classic: () => this.#classic.heartbeat(request),
      refusal: (code) => ({ errorCode: code }),
      assigned: ErrorCode.UNKNOWN_MEMBER_ID,
    });
  }

  /** LeaveGroup; up to v2 the handler's one member has its code in `members[0]`. */
  async leave(request: LeaveRequest): Promise<LeaveResult> {
    const errorCode = this.#check(request.groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode, members: [] };
    return this.#either.ask<LeaveResult>({
      groupId: request.groupId,
      classic: () => this.#classic.leave(request),
      refusal: (code) => ({ errorCode: code, members: [] }),
      assigned: () => this.#assigned.leave(request),
    });
  }

  /** OffsetCommit. Whether the topics exist is for the caller to check. */
  async commitOffsets(request: CommitRequest): Promise<CommitResult> {
    const { groupId, offsets } = request;
    const codes = offsets.map((offset) => checkCommittedOffset(offset, this.#limits));
    const accepted = offsets.filter((_, index) => codes[index] === ErrorCode.NONE);
    let errorCode = this.#check(groupId);
    if (errorCode === ErrorCode.NONE) {
      errorCode = await this.#either.ask<number>({
        groupId,
        classic: () => this.#classic.commit(request, accepted),
        refusal: (code) => code,
        assigned: ErrorCode.UNKNOWN_MEMBER_ID,
      });
    }
    const partitions = offsets.map(({ topicId, topic, partition }, index) => {
      return { topicId, topic, partition, errorCode: errorCode || codes[index]! };
    });
    return { errorCode, partitions };
  }

  /** OffsetFetch, from Redis and not from memory. */
  async fetchOffsets(request: FetchOffsetsRequest): Promise<FetchOffsetsResult> {
    const errorCode = this.#check(request.groupId);
    return errorCode === ErrorCode.NONE ? this.#offsets.fetch(request) : { errorCode, offsets: [] };
  }

  /** DescribeGroups, for one group. */
  async describe(groupId: string): Promise<GroupDescription> {
    const errorCode = this.#check(groupId);
    if (errorCode !== ErrorCode.NONE) return deadGroup(groupId, errorCode);
    await this.#refresh(groupId);
    return this.#either.ask({
      groupId,
      classic: () => this.#classic.describe(groupId),
      refusal: (code) => deadGroup(groupId, code),
      assigned: () => this.#assigned.describe(groupId),
    });
  }

  /**
   * ListGroups: every group that this gateway coordinates, in memory or not, also those that cannot
   * be read. Kafka's tools ask every broker, so each group is named by one.
   */
  async list(request: ListGroupsRequest = {}): Promise<ListGroupsResult> {
    if (this.#isStopped) return { errorCode: ErrorCode.NOT_COORDINATOR, groups: [] };
    // No group at all would be taken for the truth.
    if (!this.#cluster.isSure) return unlisted;
    const listed = await this.#list(request, (groupId) => this.coordinates(groupId));
    return this.#cluster.isSure ? listed : unlisted;
  }

  /** Every group there is, whoever coordinates it. */
  listAll(request: ListGroupsRequest = {}): Promise<ListGroupsResult> {
    return this.#list(request, () => true);
  }

  /**
   * One group for an operator, who may ask any gateway: through the coordinator where that is this
   * one, else straight in Redis.
   */
  operated(groupId: string): OperatedGroups {
    return this.coordinates(groupId) ? this : this.#elsewhere;
  }

  /** DeleteGroups, for one group. @returns the error code */
  async deleteGroup(groupId: string): Promise<number> {
    const errorCode = this.#check(groupId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    return this.#either.ask<number>({
      groupId,
      classic: () => this.#classic.delete(groupId),
      refusal: (code) => code,
      assigned: ErrorCode.NON_EMPTY_GROUP,
    });
  }

  /** OffsetDelete (KIP-496). */
  async deleteOffsets(request: DeleteOffsetsRequest): Promise<DeleteOffsetsResult> {
    const errorCode = this.#check(request.groupId);
    if (errorCode !== ErrorCode.NONE) return deletionRefusal(errorCode);
    return this.#either.ask({
      groupId: request.groupId,
      classic: () => this.#classic.deleteOffsets(request),
      refusal: deletionRefusal,
      assigned: () => this.#assigned.deleteOffsets(request),
    });
  }

  /**
   * To be called when a topic is deleted: its offsets go from all groups with the next round of the
   * housekeeping.
   *
   * @throws as RedisLink
   */
  async removeTopicOffsets(topicId: string): Promise<void> {
    await this.#stores.index.addRemovedTopic(topicId);
  }

  async #list(
    request: ListGroupsRequest,
    isListed: (groupId: string) => boolean,
  ): Promise<ListGroupsResult> {
    const onUnreadable = (groupId: string) => {
      if (this.coordinates(groupId)) this.#classic.actor(groupId).wake();
    };
    try {
      const groups = await listGroups({ ...this.#stores, isListed, onUnreadable }, request);
      return { errorCode: ErrorCode.NONE, groups };
    } catch (error) {
      this.#troubles.note('a list of all groups', '', error);
      return unlisted;
    }
  }

  /** The housekeeping may run in another process, or not reach this one; the next round tells. */
  async #listen(): Promise<void> {
    try {
      const unlisten = await onFindings(this.deps.redis, (findings) => this.#found(findings));
      if (this.#isStopped) await unlisten();
      else this.#undo.push(unlisten);
    } catch (error) {
      const { message } = error as Error;
      this.deps.log.debug('what is found of the groups is not heard', { error: message });
    }
  }

  #found({ live, gone }: GroupFindings): void {
    const isOurs = (groupId: string) => this.coordinates(groupId);
    // Its members may have died while nobody had the group; what is wrong with it is told by
    // reading it.
    for (const groupId of live.filter(isOurs)) this.#classic.actor(groupId).wake();
    for (const groupId of gone.filter(isOurs)) {
      this.#classic.dropGone(groupId);
      this.#quarantine.release(groupId);
    }
  }

  /** Members may have changed what is in memory of a group without members: it is read again. */
  async #refresh(groupId: string): Promise<void> {
    try {
      if (await this.#assigned.has(groupId)) this.#classic.actor(groupId).renew();
    } catch (error) {
      this.#troubles.note('a look at its kind', groupId, error);
    }
  }

  #check(groupId: string): number {
    if (groupId === '') return ErrorCode.INVALID_GROUP_ID;
    return this.coordinates(groupId) ? ErrorCode.NONE : ErrorCode.NOT_COORDINATOR;
  }
}

const unlisted: ListGroupsResult = {
  errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  groups: [],
};
