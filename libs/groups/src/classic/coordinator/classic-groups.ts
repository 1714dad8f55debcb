import { type Clock, type Logger, Periodic, type Random } from '@sluice/base';
import { ErrorCode } from '@sluice/wire';
import type {
  CommitRequest,
  DeleteOffsetsRequest,
  DeleteOffsetsResult,
  GroupDescription,
  HeartbeatRequest,
  HeartbeatResult,
  JoinRequest,
  JoinResult,
  LeaveRequest,
  LeaveResult,
  OffsetToCommit,
  SyncRequest,
  SyncResult,
} from '../../api';
import type { GroupCluster } from '../../coordinator/group-cluster';
import type { Quarantine } from '../../coordinator/quarantine';
import type { Troubles } from '../../coordinator/troubles';
import type { GroupLimits } from '../../limits';
import type { GroupMeter, GroupsInMemory } from '../../metrics';
import { joinRefusal, syncRefusal } from '../machine/answers';
import { GroupState, stateNames } from '../machine/states';
import { ClassicStore, type Stores } from '../stored/classic-store';
import { GroupActor } from './actor';
import { deadGroup, describeGroup } from './describe';
import { deleteUnusedOffsets, deletionRefusal } from './offset-deletion';

export interface ClassicGroupsDeps {
  stores: Stores;
  clock: Clock;
  random: Random;
  log: Logger;
  limits: GroupLimits;
  troubles: Troubles;
  quarantine: Quarantine;
  meter: GroupMeter;
  cluster: Omit<GroupCluster, 'onChange'>;
}

/**
 * The classic groups (JoinGroup, SyncGroup) that this coordinator has: one actor each, made when
 * the group is first asked for and dropped when nothing is lost by it. Group ids were checked
 * before.
 */
export class ClassicGroups {
  readonly #store: ClassicStore;
  readonly #actors = new Map<string, GroupActor>();
  /** Those that were let go, and still wait for what is on its way to Redis. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #unloading: Periodic;
  /** Nobody tells when the gateway's session is not sure any more. */
  readonly #looking: Periodic;

  constructor(private readonly deps: ClassicGroupsDeps) {
    const { clock, log, limits } = deps;
    this.#store = new ClassicStore(deps.stores);
    this.#looking = new Periodic({
      clock,
      log,
      name: 'dropping the groups of a session that is over',
      everyMs: limits.sessionLookMs,
      run: () => {
        if (!deps.cluster.isSure) this.reassigned();
      },
    });
    this.#unloading = new Periodic({
      clock,
      log,
      name: 'dropping unused groups from memory',
      everyMs: limits.idleUnloadMs,
      run: () => {
        for (const actor of this.#actors.values()) this.#unload(actor);
      },
    });
  }

  start(): void {
    this.#looking.start();
    this.#unloading.start();
  }

  /** Refuses everything that waits; resolves when what is on its way to Redis has arrived. */
  async stop(errorCode: number): Promise<void> {
    await Promise.all([this.#looking.stop(), this.#unloading.stop()]);
    const actors = [...this.#actors.values()];
    this.#actors.clear();
    await Promise.all([...actors.map((actor) => actor.stop(errorCode)), ...this.#leaving]);
  }

  /**
   * Other groups may be this coordinator's now: those that are not are dropped at once, with what
   * waits there, and those that somebody else had meanwhile are read again.
   */
  reassigned(): void {
    const { cluster, quarantine } = this.deps;
    const isGone = (groupId: string) => cluster.coordinatorEpochOf(groupId) === null;
    for (const actor of this.#actors.values()) {
      if (!isGone(actor.groupId)) actor.checkOwner();
      else this.#letGo(actor);
    }
    quarantine.dropIf(isGone);
  }

  /** Redis has another history: what is in memory may not be what is there now. */
  renewAll(): void {
    for (const actor of this.#actors.values()) actor.renew();
  }

  /** Nothing is stored of the group any more; what is in memory of it is forgotten. */
  dropGone(groupId: string): void {
    this.#actors.get(groupId)?.dropGone();
  }

  /** How many there are in which state, and what they have. */
  inMemory(): GroupsInMemory {
    const states = new Map(Object.values(stateNames).map((name) => [String(name), 0]));
    states.delete(stateNames[GroupState.Dead]);
    let members = 0;
    let waitingRequests = 0;
    for (const actor of this.#actors.values()) {
      waitingRequests += actor.waitingRequests;
      const { group } = actor;
      if (group === null) continue;
      members += group.members.size;
      const state = stateNames[group.state];
      states.set(state, (states.get(state) ?? 0) + 1);
    }
    states.set('Quarantined', this.deps.quarantine.count);
    return { states, members, waitingRequests };
  }

  join(request: JoinRequest): Promise<JoinResult> {
    const { groupId, groupInstanceId: instanceId, sessionTimeoutMs, ...rest } = request;
    const newMemberId = `${instanceId ?? request.clientId}-${this.deps.random.uuidV4()}`;
    // Copies, because the bytes lie in the request's frame and would keep all of it in memory.
    const protocols = request.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    }));
    const rebalanceTimeoutMs = this.#rebalanceTimeoutMs(request);
    const fields = { ...rest, instanceId, sessionTimeoutMs, rebalanceTimeoutMs };
    return this.actor(groupId).ask(
      (ticket) => ({ kind: 'join', ticket, ...fields, newMemberId, protocols }),
      (errorCode) => joinRefusal(errorCode, request.memberId),
    );
  }

  sync(request: SyncRequest): Promise<SyncResult> {
    const { groupId, groupInstanceId: instanceId, ...rest } = request;
    const assignments = request.assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: Buffer.from(assignment),
    }));
    return this.actor(groupId).ask(
      (ticket) => ({ kind: 'sync', ticket, ...rest, instanceId, assignments }),
      syncRefusal,
    );
  }

  /** Answered from memory. */
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResult> {
    const { groupId, memberId, generationId, groupInstanceId: instanceId } = request;
    return this.actor(groupId).ask<HeartbeatResult>(
      (ticket) => ({ kind: 'heartbeat', ticket, memberId, instanceId, generationId }),
      (errorCode) => ({ errorCode }),
    );
  }

  leave({ groupId, members }: LeaveRequest): Promise<LeaveResult> {
    return this.actor(groupId).ask(
      (ticket) => ({ kind: 'leave', ticket, members }),
      (errorCode) => ({ errorCode, members: [] }),
    );
  }

  /** @returns the error code of the whole commit */
  commit(request: CommitRequest, offsets: OffsetToCommit[]): Promise<number> {
    const { groupId, memberId, generationId, groupInstanceId: instanceId } = request;
    return this.actor(groupId).commit({ memberId, instanceId, generationId }, offsets);
  }

  describe(groupId: string): Promise<GroupDescription> {
    return this.actor(groupId).use(
      ({ group, fence }) =>
        fence === '' ? deadGroup(groupId, ErrorCode.GROUP_ID_NOT_FOUND) : describeGroup(group),
      (errorCode) => {
        const wrong = this.deps.quarantine.reason(groupId);
        if (wrong === null) return deadGroup(groupId, errorCode);
        const unreadable = deadGroup(groupId, ErrorCode.UNKNOWN_SERVER_ERROR, wrong.message);
        return { ...unreadable, groupState: 'Unknown' };
      },
    );
  }

  /**
   * Deletes a group without members; and one that cannot be served whatever is in it, for that is a
   * way to be rid of it. But what a newer gateway has written is left to that. @returns the error
   * code
   */
  async delete(groupId: string): Promise<number> {
    const errorCode = await this.actor(groupId).delete();
    const wrong = this.deps.quarantine.reason(groupId);
    if (errorCode !== ErrorCode.COORDINATOR_NOT_AVAILABLE || wrong === null) return errorCode;
    if (wrong.isNewer) return ErrorCode.UNKNOWN_SERVER_ERROR;
    return this.actor(groupId).discard();
  }

  deleteOffsets({ groupId, partitions }: DeleteOffsetsRequest): Promise<DeleteOffsetsResult> {
    return this.actor(groupId).use(
      (owned) => deleteUnusedOffsets(this.deps.stores.offsets, owned, partitions),
      (errorCode) => {
        const isUnreadable = this.deps.quarantine.holds(groupId);
        return deletionRefusal(isUnreadable ? ErrorCode.UNKNOWN_SERVER_ERROR : errorCode);
      },
    );
  }

  /** The group's actor, for work that is no request. */
  actor(groupId: string): GroupActor {
    let actor = this.#actors.get(groupId);
    if (actor === undefined) {
      const { clock, limits, troubles, quarantine, stores, meter, cluster } = this.deps;
      actor = new GroupActor(groupId, {
        store: this.#store,
        offsets: stores.offsets,
        clock,
        limits,
        troubles,
        quarantine,
        meter,
        coordinatorEpoch: () => cluster.coordinatorEpochOf(groupId),
        raiseEpoch: (above) => cluster.raiseCoordinator(groupId, above),
        onQuiet: (quiet) => this.#unload(quiet),
      });
      this.#actors.set(groupId, actor);
    }
    return actor;
  }

  #rebalanceTimeoutMs({ rebalanceTimeoutMs, sessionTimeoutMs }: JoinRequest): number {
    const askedMs = rebalanceTimeoutMs === -1 ? sessionTimeoutMs : rebalanceTimeoutMs;
    return Math.min(Math.max(askedMs, 0), this.deps.limits.rebalanceTimeoutMsMax);
  }

  #letGo(actor: GroupActor): void {
    this.#actors.delete(actor.groupId);
    const left = actor.stop(ErrorCode.NOT_COORDINATOR);
    this.#leaving.add(left);
    void left.finally(() => this.#leaving.delete(left));
  }

  #unload(actor: GroupActor): void {
    if (!actor.isDisposable(this.deps.limits.idleUnloadMs)) return;
    if (this.#actors.get(actor.groupId) === actor) this.#actors.delete(actor.groupId);
  }
}
