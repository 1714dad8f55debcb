import { Periodic, type Clock, type Logger, type Random } from '@sluice/base';
import { UnknownOutcome, type RedisLink } from '@sluice/redis';
import type { TopicChange } from '@sluice/log';
import { defaultGroupLimits, type GroupLimits } from '../../limits';
import { UnreadableGroup } from '../../store/errors';
import { GroupKeys, groupChannel } from '../../store/keys';
import { chunks, settleAll } from '../../store/lists';
import { CommittedOffsets, type OwnOffset } from '../../store/offsets';
import { heartbeatScript } from '../../store/scripts';
import { ClassicGroupInUse, GroupRefused } from '../group-refused';
import type { AssignedEvent, MemberView, Outcome } from '../machine/assigned-events';
import { subscribedTopicIds } from '../machine/subscriptions';
import { AssignedStore } from '../stored/assigned-store';
import type {
  CommitOutcome,
  Grant,
  MemberListener,
  MemberPartition,
  MemberSettings,
} from './session-api';
import { GroupChanges } from './changes';
import { Holdings } from './holdings';
import { Lease } from './lease';
import { resolveSettings, type ResolvedSettings } from './settings';
import { TopicsView, type TopicSource } from './topics';

export interface MemberSessionDeps {
  redis: RedisLink;
  topics: TopicSource;
  clock: Clock;
  random: Random;
  log: Logger;
  limits?: Partial<GroupLimits>;
}

/** How often a join is tried whose outcome is unknown. */
const joinAttemptsMax = 3;

/**
 * One process as a member of a group whose members share out its partitions by themselves, straight
 * in Redis. While nothing changes it is a heartbeat now and then, which costs one small script; a
 * change is read, decided by the machine and saved by whoever makes it, and the others are told.
 *
 * A member whose heartbeats get no answer counts itself out, by its own clock, before Redis does;
 * then everything that it has is lost at once, and it joins again.
 */
export class MemberSession {
  readonly #settings: ResolvedSettings;
  readonly #limits: GroupLimits;
  readonly #keys: { state: string };
  readonly #changes: GroupChanges;
  readonly #offsets: CommittedOffsets;
  readonly #topics: TopicsView;
  readonly #holdings = new Holdings();
  readonly #lease: Lease;
  #beats: Periodic | null = null;
  /** The first join of a session, for as long as it is under way. Never rejects. */
  #joining: Promise<void> | null = null;
  #undo: (() => unknown)[] = [];
  /** -1 while it is no member. */
  #memberEpoch = -1;
  #wasMember = false;
  #revision = -1;
  #sequence = 0;
  /** Topics have changed, or what this process knows of them is old. */
  #mustLook = false;
  #heardAtMs: number;

  constructor(
    private readonly deps: MemberSessionDeps,
    settings: MemberSettings,
    private readonly listener: MemberListener,
  ) {
    const { redis, clock, random, topics } = deps;
    const limits = { ...defaultGroupLimits, ...deps.limits };
    this.#limits = limits;
    this.#settings = resolveSettings(settings, limits, random);
    this.#keys = new GroupKeys(redis.keyPrefix).of(settings.groupId);
    this.#topics = new TopicsView({ topics, clock, limits });
    this.#offsets = new CommittedOffsets(redis, limits);
    const store = new AssignedStore(redis, limits, random);
    const look = (versionMin: number) => this.#topics.look(versionMin);
    this.#changes = new GroupChanges({ store, clock, limits, topics: look });
    this.#lease = new Lease(clock, () => this.#fence());
    this.#heardAtMs = clock.monotonicMs();
  }

  /** The same for as long as the session lives. */
  get memberId(): string {
    return this.#settings.join.memberId;
  }

  /** Rises each time the session joins; -1 while it is no member, as far as it can know. */
  get memberEpoch(): number {
    return this.#lease.isOver ? -1 : this.#memberEpoch;
  }

  /** Milliseconds since Redis last answered that this is a member. */
  get silentMs(): number {
    return this.deps.clock.monotonicMs() - this.#heardAtMs;
  }

  /** What the member has: granted, and neither lost nor let go. */
  get partitions(): MemberPartition[] {
    return this.memberEpoch === -1 ? [] : this.#holdings.all;
  }

  /** Whether the member surely has the partition, by its own clock, at this moment. */
  holds(partition: Omit<MemberPartition, 'topic'>): boolean {
    return !this.#lease.isOver && this.#holdings.has(partition);
  }

  /**
   * Joins the group. Resolves when the session is a member; the listener may have been told of
   * partitions by then. One that is to leave meanwhile is none when both have ended.
   *
   * @throws GroupRefused; what `RedisLink` throws when Redis is away
   */
  async join(): Promise<void> {
    if (this.#beats !== null) return;
    this.#wasMember = false;
    const { clock, log } = this.deps;
    const { groupId, heartbeatIntervalMs: everyMs } = this.#settings;
    const name = `a heartbeat of the group ${groupId}`;
    const beats = new Periodic({ name, everyMs, clock, log, run: () => this.#beat() });
    this.#beats = beats;
    const entered = this.#enterFirst();
    this.#joining = entered.catch(() => undefined);
    try {
      await entered;
    } catch (error) {
      await this.leave();
      throw error;
    }
    beats.start();
  }

  /**
   * Lets go partitions: the consumer has nothing of them under way, and has committed. What was
   * revoked goes to its next owner. What was not is given to this member again, in a new epoch.
   */
  letGo(partitions: readonly Omit<MemberPartition, 'topic'>[]): void {
    for (const partition of partitions) this.#holdings.release(partition);
    this.#beats?.runSoon();
  }

  /**
   * Commits what the member has come to by its own acknowledgements. Only what it has is written.
   *
   * @throws UnreadableGroup; what `RedisLink` throws: the same or more may be committed again then
   */
  async commit(offsets: readonly OwnOffset[]): Promise<CommitOutcome> {
    const { memberEpoch, memberId } = this;
    const { groupId } = this.#settings;
    if (memberEpoch === -1) return { outcome: 'fenced' };
    const calls = chunks(offsets, this.#limits.offsetsPerCallMax).map((chunk) => {
      const claim = { memberId, memberEpoch, sequence: ++this.#sequence };
      return this.#offsets.commitOwned(groupId, claim, chunk);
    });
    const lineages: (number | null)[] = [];
    for (const found of await settleAll(calls)) {
      if (found === null) {
        if (this.#memberEpoch === memberEpoch) this.#fence();
        return { outcome: 'fenced' };
      }
      lineages.push(...found.map((lineage) => (lineage === 0 ? null : lineage)));
    }
    return { outcome: 'committed', lineages };
  }

  /**
   * Leaves the group, with all that the member has, which the consumer has drained and committed
   * before. A static member stays one until its session is over. Where Redis is away, the session
   * just runs out.
   */
  async leave(): Promise<void> {
    const { memberEpoch } = this;
    await this.#end();
    if (memberEpoch !== -1) await this.#depart(memberEpoch);
  }

  /** Has the group know that the member is gone. */
  async #depart(memberEpoch: number): Promise<void> {
    const { memberId } = this;
    const { groupId, join } = this.#settings;
    if (join.instanceId !== null) return;
    try {
      await this.#changes.apply(groupId, { kind: 'leave', memberId, memberEpoch });
    } catch (error) {
      const { message } = error as Error;
      this.deps.log.debug('a member could not leave its group', { groupId, error: message });
    }
  }

  /** Has whatever may be new for this member looked at soon. */
  async #listen(): Promise<void> {
    const { redis, topics } = this.deps;
    const channel = groupChannel(redis.keyPrefix, redis.db, this.#settings.groupId);
    const soon = (): void => this.#beats?.runSoon();
    const onChange = (change: TopicChange): void => {
      if (this.#concerns(change)) this.#mustLook = true;
      if (this.#mustLook) soon();
    };
    const onMessage = (message: string): void => {
      if (message === '*' || message.includes(JSON.stringify(this.memberId))) soon();
    };
    this.#undo.push(topics.on('change', onChange), redis.onReady(soon));
    this.#undo.push(await redis.subscribe(channel, onMessage));
  }

  async #end(): Promise<void> {
    const beats = this.#beats;
    this.#beats = null;
    this.#forget();
    // A join that is out may be in Redis when it ends, and has more to be undone.
    await this.#joining;
    await beats?.stop();
    this.#forget();
    await Promise.allSettled(this.#undo.splice(0).map((undo) => undo()));
  }

  async #beat(): Promise<void> {
    const { memberEpoch, memberId } = this;
    if (memberEpoch === -1) return this.#enterAgain();
    const { sessionTimeoutMs } = this.#settings.join;
    const askedAtMs = this.deps.clock.monotonicMs();
    const args = { memberId, memberEpoch, sessionTimeoutMs, claimMs: this.#limits.lookClaimMs };
    const reply = await heartbeatScript.call(this.deps.redis.write, this.#keys, args);
    if (this.#memberEpoch !== memberEpoch) return;
    if (reply.tag === 'fenced') return this.#fence();
    this.#extend(askedAtMs);
    const { released } = this.#holdings;
    const isNew = reply.revision !== this.#revision || reply.isLookDue === 1;
    if (isNew || this.#mustLook || released.length > 0) {
      await this.#change({ kind: 'release', memberId, memberEpoch, released });
    }
  }

  async #enterAgain(): Promise<void> {
    if (this.#memberEpoch !== -1) return this.#fence();
    try {
      await this.#enter();
    } catch (error) {
      if (!(error instanceof GroupRefused) || error.reason === 'unreadable') throw error;
      const beats = this.#beats;
      this.#beats = null;
      // Not awaited, as this here is one of its runs.
      void beats?.stop();
      await Promise.allSettled(this.#undo.splice(0).map((undo) => undo()));
      if (beats !== null) this.listener.refused(error);
    }
  }

  async #enterFirst(): Promise<void> {
    await this.#listen();
    if (this.#beats !== null) await this.#enter();
  }

  async #enter(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#change({ ...this.#settings.join, isReturn: this.#wasMember });
        return;
      } catch (error) {
        const isLast = attempt === joinAttemptsMax;
        if (!(error instanceof UnknownOutcome) || isLast) throw asRefusal(error);
      }
    }
  }

  /** Puts an event of this member through the machine, and takes over what comes of it. */
  async #change(event: AssignedEvent): Promise<void> {
    const { groupId } = this.#settings;
    const epochBefore = this.#memberEpoch;
    const askedAtMs = this.deps.clock.monotonicMs();
    this.#mustLook = false;
    let outcome: Outcome;
    try {
      ({ outcome } = await this.#changes.apply(groupId, event));
    } catch (error) {
      this.#mustLook = true;
      throw error;
    }
    if (this.#topics.isBehind) this.#mustLook = true;
    if (this.#beats === null && event.kind === 'join' && outcome.kind === 'member') {
      // It was to leave meanwhile, and did not know of any epoch in which it was a member.
      return this.#depart(outcome.view.memberEpoch);
    }
    if (this.#memberEpoch !== epochBefore || this.#beats === null) return;
    switch (outcome.kind) {
      case 'member':
        return this.#take(outcome.view, askedAtMs);
      case 'fenced':
        return this.#fence();
      case 'full': {
        const { groupMembersMax } = this.#limits;
        const message = `the group "${groupId}" has ${groupMembersMax} members, and takes no more`;
        throw new GroupRefused('full', message);
      }
      case 'replaced': {
        const { instanceId } = this.#settings.join;
        const message = `another process has joined "${groupId}" as the instance "${instanceId}"`;
        throw new GroupRefused('replaced', message);
      }
      case 'done':
      case 'removed':
    }
  }

  async #take(view: MemberView, askedAtMs: number): Promise<void> {
    const isNew = view.memberEpoch !== this.#memberEpoch;
    if (isNew) {
      this.#wasMember = true;
      this.#memberEpoch = view.memberEpoch;
      this.#sequence = 0;
      this.#extend(askedAtMs);
    }
    const { revokeWithinMs } = view;
    this.#lease.limit(revokeWithinMs === null ? Infinity : askedAtMs + revokeWithinMs);
    const asked = this.#holdings.compare(view).granted;
    const grants = await this.#grantsOf(asked);
    // Meanwhile it may all have been lost, or let go.
    if (this.memberEpoch !== view.memberEpoch) return;
    const { revoking, lost } = this.#holdings.compare(view);
    this.#holdings.take(view);
    this.#revision = view.revision;
    if (lost.length > 0) this.listener.lost(lost);
    if (revoking.length > 0) this.listener.revoking(revoking);
    if (grants.length > 0) this.listener.granted(grants);
    if (this.#holdings.released.length > 0) this.#beats?.runSoon();
  }

  async #grantsOf(partitions: readonly MemberPartition[]): Promise<Grant[]> {
    if (partitions.length === 0) return [];
    const found = await this.#offsets.fetch(this.#settings.groupId, partitions);
    return partitions.map((one, at) => {
      const { offset, leaderEpoch, lineage } = found[at]!;
      return { ...one, committed: offset === -1 ? null : { offset, leaderEpoch, lineage } };
    });
  }

  #extend(askedAtMs: number): void {
    const { sessionTimeoutMs } = this.#settings.join;
    this.#heardAtMs = this.deps.clock.monotonicMs();
    this.#lease.extend(askedAtMs + sessionTimeoutMs * (1 - this.#limits.sessionMarginShare));
  }

  /** Everything is lost. */
  #fence(): void {
    if (this.#memberEpoch === -1) return;
    this.#forget();
    this.listener.fenced();
    this.#beats?.runSoon();
  }

  #forget(): void {
    this.#memberEpoch = -1;
    this.#revision = -1;
    this.#holdings.clear();
    this.#lease.end();
  }

  #concerns({ created, deleted, updated }: TopicChange): boolean {
    const { id, name, partitions } = created ?? deleted ?? updated;
    const topics = new Map([[id, { name, partitions }]]);
    return subscribedTopicIds(this.#settings.join.subscription, topics).size > 0;
  }
}

function asRefusal(error: unknown): unknown {
  if (error instanceof ClassicGroupInUse) {
    return new GroupRefused('other-kind', error.message, { cause: error });
  }
  if (error instanceof UnreadableGroup) {
    return new GroupRefused('unreadable', error.message, { cause: error });
  }
  return error;
}
