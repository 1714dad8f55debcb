import { silentLogger, systemClock, type Clock, type Logger, type Random } from '@sluice/base';
import { RedisUnavailable, UnknownOutcome, type RedisLink } from '@sluice/redis';
import { GroupChanges } from '../assigned/session/changes';
import { AssignedStore } from '../assigned/stored/assigned-store';
import { defaultGroupLimits, type GroupLimits } from '../limits';
import { GroupIndex } from '../store/group-index';
import { GroupStates, type Expiry } from '../store/group-states';
import { CommittedOffsets } from '../store/offsets';
import { announceFindings, type GroupFindings } from './findings';

/** What the housekeeping of groups works with. */
export interface GroupHousekeepingDeps {
  redis: RedisLink;
  random: Random;
  clock?: Clock;
  log?: Logger;
  limits?: Partial<GroupLimits>;
}

/** What a round over all groups has found and freed. */
export interface GroupSweepReport {
  groups: number;
  /** Groups that had nothing left, and are gone. */
  removedGroups: number;
  /** Old offsets of groups without members. */
  removedOffsets: number;
  /** Deleted topics whose offsets are no longer in any group. */
  forgottenTopics: number;
  /** Groups that have members; whoever coordinates them was told, if they need that. */
  liveGroups: number;
  /** Groups that could not be read. */
  unreadableGroups: number;
}

/**
 * What has to be done for all groups now and then, in any process that has the Redis: offsets of
 * deleted topics go, and so do old offsets of groups without members, and groups of which nothing
 * is left. Each group is one small step, which looks and removes at once, so it does not matter who
 * else has the group.
 *
 * The sessions of members are their coordinator's, who counts them in memory. A group that nobody
 * has had in memory since a gateway was killed would keep its dead members. So the coordinators are
 * told which groups have members; who does not have one of its groups takes it, and its sessions
 * begin to run. Only a coordinator takes groups: this here changes no fence of theirs.
 *
 * Groups with assignment by the server have no coordinator, and their sessions are in Redis. Where
 * no member is left to look whether others' are over, it is done here.
 */
export class GroupHousekeeping {
  readonly #limits: GroupLimits;
  readonly #index: GroupIndex;
  readonly #states: GroupStates;
  readonly #offsets: CommittedOffsets;
  readonly #assigned: GroupChanges;

  constructor(private readonly deps: GroupHousekeepingDeps) {
    const { redis, random } = deps;
    this.#limits = { ...defaultGroupLimits, ...deps.limits };
    this.#index = new GroupIndex(redis, this.#limits);
    this.#states = new GroupStates(redis, this.#limits, random);
    this.#offsets = new CommittedOffsets(redis, this.#limits);
    const { clock = systemClock } = deps;
    const store = new AssignedStore(redis, this.#limits, random);
    const limits = this.#limits;
    this.#assigned = new GroupChanges({ store, clock, limits, topics: () => null });
  }

  /** Notes that the offsets of a deleted topic are to go, with the next round. */
  forgetTopic(topicId: string): Promise<void> {
    return this.#index.addRemovedTopic(topicId);
  }

  /** Puts a group that exists, and that the index does not name, back into the index. */
  remember(groupId: string): Promise<void> {
    return this.#index.add(groupId);
  }

  /** Whether the index names a group. */
  isKnown(groupId: string): Promise<boolean> {
    return this.#index.has(groupId);
  }

  /** Ids of the topics of which a group has committed offsets. */
  async topicsOf(groupId: string): Promise<string[]> {
    const topicIds = new Set<string>();
    let cursor = '0';
    do cursor = await this.#offsets.scanTopics(groupId, cursor, topicIds);
    while (cursor !== '0');
    return [...topicIds];
  }

  /**
   * One round over all groups; no step begins once `signal` is aborted.
   *
   * @throws RedisUnavailable | UnknownOutcome; what is left is done by the next round
   */
  async sweep(signal: AbortSignal): Promise<GroupSweepReport> {
    const report: GroupSweepReport = {
      groups: 0,
      removedGroups: 0,
      removedOffsets: 0,
      forgottenTopics: 0,
      liveGroups: 0,
      unreadableGroups: 0,
    };
    const topics = await this.#index.removedTopics();
    let cursor = '0';
    do {
      const found = await this.#index.scan(cursor);
      const findings: GroupFindings = { live: [], gone: [] };
      for (const groupId of found.groupIds) {
        if (signal.aborted) return report;
        report.groups++;
        await this.#sweepGroup(groupId, topics, report, findings);
      }
      await announceFindings(this.deps.redis, findings);
      cursor = found.cursor;
    } while (cursor !== '0');
    for (const topicId of topics) await this.#index.forgetRemovedTopic(topicId);
    report.forgottenTopics = topics.length;
    return report;
  }

  async #sweepGroup(
    groupId: string,
    topics: readonly string[],
    report: GroupSweepReport,
    findings: GroupFindings,
  ): Promise<void> {
    try {
      for (const topicId of topics) await this.#removeTopic(groupId, topicId);
      const { outcome, engine } = await this.#expire(groupId, report);
      if (outcome === 'live') report.liveGroups++;
      if (engine === 'assigned') return await this.#look(groupId);
      if (outcome === 'unreadable') report.unreadableGroups++;
      // What is wrong with a group that cannot be read is told by who coordinates it.
      if (outcome === 'live' || outcome === 'unreadable') findings.live.push(groupId);
      if (outcome !== 'gone' && outcome !== 'missing') return;
      await this.#index.remove(groupId);
      findings.gone.push(groupId);
      report.removedGroups++;
    } catch (error) {
      // Redis is away, most likely; then every further step would fail too.
      const isUnanswered = error instanceof UnknownOutcome && !error.isAnswered;
      if (error instanceof RedisUnavailable || isUnanswered) throw error;
      // What is wrong with one group must not keep the others from being swept.
      report.unreadableGroups++;
      findings.live.push(groupId);
      const { log = silentLogger } = this.deps;
      log.debug('a group was not swept', { group: groupId, error: (error as Error).message });
    }
  }

  async #look(groupId: string): Promise<void> {
    await this.#assigned.apply(groupId, { kind: 'look' });
  }

  async #removeTopic(groupId: string, topicId: string): Promise<void> {
    let cursor = '0';
    do cursor = await this.#offsets.removeTopic(groupId, topicId, cursor);
    while (cursor !== '0');
  }

  async #expire(groupId: string, report: GroupSweepReport): Promise<Expiry> {
    let cursor = '0';
    let removed = 0;
    for (;;) {
      const found = await this.#states.expire(groupId, cursor);
      removed += found.removed;
      cursor = found.cursor;
      if (cursor !== '0') continue;
      report.removedOffsets += removed;
      const { log = silentLogger } = this.deps;
      if (removed > 0) log.info('Removed old offsets of a group', { group: groupId, removed });
      return found;
    }
  }
}
