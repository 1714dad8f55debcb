import type { Clock, Logger, Random, Timer } from '@sluice/base';
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
  ListedGroup,
  ListGroupsRequest,
  ListGroupsResult,
  SyncRequest,
  SyncResult,
} from '../api';
import { defaultGroupLimits, type GroupLimits } from '../limits';
import { joinRefusal, syncRefusal } from '../machine/answers';
import { isSubscribed } from '../machine/protocols';
import { GroupState, stateNames } from '../machine/states';
import { consumerProtocolType } from '../machine/subscription';
import { GroupStore, type LoadedGroup } from '../store/store';
import { GroupActor } from './actor';
import { describeGroup, deadGroup } from './describe';
import { Sweeper } from './sweeper';

export interface GroupCoordinatorDeps {
  redis: RedisLink;
  clock: Clock;
  random: Random;
  log: Logger;
  limits?: Partial<GroupLimits>;
  /**
   * Whether this gateway coordinates the group; others' groups are answered NOT_COORDINATOR.
   * Default: all.
   */
  isCoordinatorOf?: (groupId: string) => boolean;
}

/**
 * The coordinator of the classic consumer groups: what the broker's group handlers call. Results
 * carry Kafka's error codes; nothing is thrown for a refusal or for a Redis that is away, and every
 * promise is settled within the group's own timeouts. Groups are read from Redis when they are
 * first asked for.
 */
export class GroupCoordinator {
  readonly #limits: GroupLimits;
  readonly #store: GroupStore;
  readonly #sweeper: Sweeper;
  readonly #actors = new Map<string, GroupActor>();
  #unloading: Timer | null = null;
  #stopListening: () => void = () => {};
  #isStopped = false;

  constructor(private readonly deps: GroupCoordinatorDeps) {
    const { redis, clock, log } = deps;
    this.#limits = { ...defaultGroupLimits, ...deps.limits };
    this.#store = new GroupStore(redis, this.#limits);
    this.#sweeper = new Sweeper({
      store: this.#store,
      clock,
      log,
      limits: this.#limits,
      sweepGroup: (groupId, topics) => this.#sweepGroup(groupId, topics),
    });
  }

  /** The limits in force. */
  get limits(): Readonly<GroupLimits> {
    return this.#limits;
  }

  /**
   * Begins the background work. No group is read yet. @throws as RedisLink does when Redis is away
   */
  async start(): Promise<void> {
    await this.#store.prepare();
    this.#stopListening = this.deps.redis.onReady(({ historyChanged }) => {
      // Without the scripts the first call of each takes two steps, and commands could pass each
      // other.
      this.#store.prepare().catch((error: Error) => {
        this.deps.log.warn('Could not load the group scripts', { message: error.message });
      });
      if (historyChanged) for (const actor of this.#actors.values()) actor.verify();
    });
    this.#scheduleUnloading();
    this.#sweeper.start();
  }

  /**
   * Answers every parked and waiting request NOT_COORDINATOR, and waits for what is on its way to
   * Redis.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    this.#unloading?.cancel();
    const actors = [...this.#actors.values()];
    this.#actors.clear();
    await Promise.all(actors.map((actor) => actor.stop(ErrorCode.NOT_COORDINATOR)));
    await this.#sweeper.stop();
  }

  /** JoinGroup: waits until the next generation begins, or is refused at once. */
  async join(request: JoinRequest): Promise<JoinResult> {
    const refuse = (errorCode: number) => joinRefusal(errorCode, request.memberId);
    const errorCode = this.#checkGroupId(request.groupId);
    if (errorCode !== ErrorCode.NONE) return refuse(errorCode);
    const { groupId, groupInstanceId: instanceId, sessionTimeoutMs, ...rest } = request;
    const askedMs = request.rebalanceTimeoutMs;
    const rebalanceTimeoutMs = Math.min(
      askedMs > 0 ? askedMs : sessionTimeoutMs,
      this.#limits.rebalanceTimeoutMsMax,
    );
    const newMemberId = `${instanceId ?? request.clientId}-${this.deps.random.uuidV4()}`;
    // Copies, because the bytes lie in the request's frame and would keep all of it in memory.
    const protocols = request.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    }));
    const fields = { ...rest, instanceId, sessionTimeoutMs, rebalanceTimeoutMs };
    return this.#actor(groupId).ask(
      (ticket) => ({ kind: 'join', ticket, ...fields, newMemberId, protocols }),
      refuse,
    );
  }

  /** SyncGroup: a follower waits for the leader's assignment. */
  async sync(request: SyncRequest): Promise<SyncResult> {
    const errorCode = this.#checkGroupId(request.groupId);
    if (errorCode !== ErrorCode.NONE) return syncRefusal(errorCode);
    const { groupId, groupInstanceId: instanceId, ...rest } = request;
    const assignments = request.assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: Buffer.from(assignment),
    }));
    return this.#actor(groupId).ask(
      (ticket) => ({ kind: 'sync', ticket, ...rest, instanceId, assignments }),
      syncRefusal,
    );
  }

  /** Heartbeat: answered from memory. */
  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResult> {
    const errorCode = this.#checkGroupId(request.groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode };
    const { groupId, memberId, generationId, groupInstanceId: instanceId } = request;
    return this.#actor(groupId).ask<HeartbeatResult>(
      (ticket) => ({ kind: 'heartbeat', ticket, memberId, instanceId, generationId }),
      (errorCode) => ({ errorCode }),
    );
  }

  /** LeaveGroup; up to v2 the handler's one member has its code in `members[0]`. */
  async leave(request: LeaveRequest): Promise<LeaveResult> {
    const errorCode = this.#checkGroupId(request.groupId);
    if (errorCode !== ErrorCode.NONE) return leaveRefusal(errorCode);
    const { groupId, members } = request;
    return this.#actor(groupId).ask((ticket) => ({ kind: 'leave', ticket, members }), leaveRefusal);
  }

  /** OffsetCommit. Whether the topics exist is for the caller to check. */
  async commitOffsets(request: CommitRequest): Promise<CommitResult> {
    const { groupId, memberId, generationId, groupInstanceId: instanceId, offsets } = request;
    const tooLong = ErrorCode.OFFSET_METADATA_TOO_LARGE;
    const codes = offsets.map(({ metadata }) =>
      Buffer.byteLength(metadata ?? '') > this.#limits.offsetMetadataBytesMax ? tooLong : 0,
    );
    const accepted = offsets.filter((_, index) => codes[index] === ErrorCode.NONE);
    let errorCode = this.#checkGroupId(groupId);
    if (errorCode === ErrorCode.NONE) {
      const claim = { memberId, instanceId, generationId };
      errorCode = await this.#actor(groupId).commit(claim, accepted);
    }
    const partitions = offsets.map(({ topicId, topic, partition }, index) => {
      return { topicId, topic, partition, errorCode: errorCode || codes[index]! };
    });
    return { errorCode, partitions };
  }

  /**
   * OffsetFetch, from Redis and not from memory. A Redis that is away is NOT_COORDINATOR here, not
   * COORDINATOR_NOT_AVAILABLE: older Java consumers take the latter for fatal in this one request.
   */
  async fetchOffsets(request: FetchOffsetsRequest): Promise<FetchOffsetsResult> {
    const { groupId, partitions } = request;
    const errorCode = this.#checkGroupId(groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode, offsets: [] };
    try {
      const offsets =
        partitions === null
          ? await this.#store.fetchAll(groupId)
          : await this.#store.fetch(groupId, partitions);
      return { errorCode, offsets };
    } catch (error) {
      this.#warn('Could not read the offsets of a group', groupId, error);
      return { errorCode: ErrorCode.NOT_COORDINATOR, offsets: [] };
    }
  }

  /** DescribeGroups, for one group. */
  async describe(groupId: string): Promise<GroupDescription> {
    const errorCode = this.#checkGroupId(groupId);
    if (errorCode !== ErrorCode.NONE) return deadGroup(groupId, errorCode);
    return this.#actor(groupId).use(
      ({ group, fence }) =>
        fence === '' ? deadGroup(groupId, ErrorCode.GROUP_ID_NOT_FOUND) : describeGroup(group),
      (errorCode) => deadGroup(groupId, errorCode),
    );
  }

  /** ListGroups: every group there is, in memory or not. */
  async list(request: ListGroupsRequest = {}): Promise<ListGroupsResult> {
    if (this.#isStopped) return { errorCode: ErrorCode.NOT_COORDINATOR, groups: [] };
    const isState = filterOf(request.states);
    const isType = filterOf(request.types);
    const groups = new Map<string, ListedGroup>();
    try {
      let cursor = '0';
      do {
        const found = await this.#store.scanIndex(cursor);
        const heads = await this.#store.heads(found.groupIds);
        for (const [index, groupId] of found.groupIds.entries()) {
          const head = heads[index];
          if (head === null || head === undefined) continue;
          const groupState = stateNames[head.state];
          const protocolType = head.protocolType ?? '';
          const listed = { groupId, protocolType, groupState, groupType: 'classic' } as const;
          if (isState(groupState) && isType(listed.groupType)) groups.set(groupId, listed);
        }
        cursor = found.cursor;
      } while (cursor !== '0');
    } catch (error) {
      this.#warn('Could not list the groups', '', error);
      return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] };
    }
    return { errorCode: ErrorCode.NONE, groups: [...groups.values()] };
  }

  /** DeleteGroups, for one group. @returns the error code */
  async deleteGroup(groupId: string): Promise<number> {
    const errorCode = this.#checkGroupId(groupId);
    return errorCode === ErrorCode.NONE ? this.#actor(groupId).delete() : errorCode;
  }

  /** OffsetDelete (KIP-496). */
  async deleteOffsets(request: DeleteOffsetsRequest): Promise<DeleteOffsetsResult> {
    const errorCode = this.#checkGroupId(request.groupId);
    if (errorCode !== ErrorCode.NONE) return deletionRefusal(errorCode);
    return this.#actor(request.groupId).use(
      (loaded) => this.#deleteOffsetsOf(loaded, request),
      deletionRefusal,
    );
  }

  /**
   * To be called when a topic is deleted: its offsets go from all groups, in the background.
   * @throws as RedisLink
   */
  async removeTopicOffsets(topicId: string): Promise<void> {
    await this.#store.addRemovedTopic(topicId);
    if (!this.#isStopped) this.#sweeper.sweepSoon();
  }

  async #deleteOffsetsOf(
    loaded: LoadedGroup,
    { partitions }: DeleteOffsetsRequest,
  ): Promise<DeleteOffsetsResult> {
    const { group, fence } = loaded;
    if (fence === '') return deletionRefusal(ErrorCode.GROUP_ID_NOT_FOUND);
    const isInUse = group.state !== GroupState.Empty;
    if (isInUse && group.protocolType !== consumerProtocolType) {
      return deletionRefusal(ErrorCode.NON_EMPTY_GROUP);
    }
    const subscribed = new Map<string, boolean>();
    for (const { topic } of partitions) {
      if (!subscribed.has(topic)) subscribed.set(topic, isInUse && isSubscribed(group, topic));
    }
    const free = partitions.filter(({ topic }) => !subscribed.get(topic));
    await this.#store.deleteOffsets(loaded, free);
    const results = partitions.map(({ topicId, topic, partition }) => {
      const isTaken = subscribed.get(topic);
      const errorCode = isTaken ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
      return { topicId, topic, partition, errorCode };
    });
    return { errorCode: ErrorCode.NONE, partitions: results };
  }

  async #sweepGroup(groupId: string, removedTopics: readonly string[]): Promise<void> {
    for (const topicId of removedTopics) {
      let cursor = '0';
      do cursor = await this.#store.removeTopic(groupId, topicId, cursor);
      while (cursor !== '0');
    }
    if (this.#checkGroupId(groupId) !== ErrorCode.NONE) return;
    const actor = this.#actor(groupId);
    await actor.sweep(async (loaded) => {
      const group = loaded?.group;
      if (group !== undefined && group.members.size + group.pending.size > 0) {
        return { isGone: false };
      }
      const outcome = await this.#expire(groupId);
      if (outcome === 'live') actor.wake();
      const isGone = outcome === 'gone' || outcome === 'missing';
      if (isGone) await this.#store.removeFromIndex(groupId);
      return { isGone };
    });
  }

  async #expire(groupId: string) {
    let cursor = '0';
    for (;;) {
      const found = await this.#store.expire(groupId, cursor);
      if (found.removed > 0) {
        this.deps.log.info('Removed old offsets of a group', { groupId, count: found.removed });
      }
      cursor = found.cursor;
      if (cursor === '0') return found.outcome;
    }
  }

  #actor(groupId: string): GroupActor {
    let actor = this.#actors.get(groupId);
    if (actor === undefined) {
      const { clock, random, log } = this.deps;
      actor = new GroupActor(groupId, {
        store: this.#store,
        clock,
        random,
        log,
        limits: this.#limits,
        onQuiet: (quiet) => this.#unload(quiet),
      });
      this.#actors.set(groupId, actor);
    }
    return actor;
  }

  #unload(actor: GroupActor): void {
    if (!actor.isDisposable(this.#limits.idleUnloadMs)) return;
    if (this.#actors.get(actor.groupId) === actor) this.#actors.delete(actor.groupId);
  }

  #scheduleUnloading(): void {
    this.#unloading = this.deps.clock.setTimer(this.#limits.idleUnloadMs, () => {
      for (const actor of this.#actors.values()) this.#unload(actor);
      this.#scheduleUnloading();
    });
  }

  #checkGroupId(groupId: string): number {
    if (groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const isOurs = this.deps.isCoordinatorOf?.(groupId) ?? true;
    return isOurs && !this.#isStopped ? ErrorCode.NONE : ErrorCode.NOT_COORDINATOR;
  }

  #warn(message: string, group: string, error: unknown): void {
    this.deps.log.warn(message, { group, message: (error as Error).message });
  }
}

const leaveRefusal = (errorCode: number): LeaveResult => ({ errorCode, members: [] });
const deletionRefusal = (errorCode: number): DeleteOffsetsResult => ({ errorCode, partitions: [] });

/** Kafka compares the names without regard to case; no names at all let everything pass. */
function filterOf(names: string[] | null | undefined): (name: string) => boolean {
  if (names === null || names === undefined || names.length === 0) return () => true;
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return (name) => wanted.has(name.toLowerCase());
}
