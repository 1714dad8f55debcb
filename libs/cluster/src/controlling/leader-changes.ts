import type { Topic } from '@sluice/log';
import type { ClusterOutcome } from '../api';
import type { ClusterLimits } from '../limits';
import { placeLeaders } from '../planner/place';
import type { ClusterStore, SessionRef } from '../store/cluster-store';
import { encodeLeaders, newerLeaders, type StoredLeaders } from '../store/stored-leaders';
import type { StoredPlacement } from '../store/stored-leaders';
import type { ClusterFeed } from '../view/cluster-feed';
import type { Controller } from './controller';

/** What changes of leaders by hand work with. */
export interface LeaderChangesDeps {
  store: ClusterStore;
  feed: ClusterFeed;
  controller: Controller;
  limits: ClusterLimits;
}

type Change = (leaders: StoredLeaders) => StoredLeaders | ClusterOutcome;

/** Changes of single topics' leaders that somebody has asked for. */
export class LeaderChanges {
  constructor(private readonly deps: LeaderChangesDeps) {}

  /**
   * Raises the leadership of a partition that this broker leads beyond `above`. Nothing happens
   * where it does not lead it any more.
   */
  async raise(
    session: SessionRef,
    topicId: string,
    partition: number,
    above: number,
  ): Promise<void> {
    const { store, feed, limits } = this.deps;
    for (let round = 0; round < limits.conflictsMax; round++) {
      const known = feed.state.leaders.get(topicId);
      const leaders = known?.leaders;
      if (known === undefined || !leaders || leaders === newerLeaders) return;
      const before = leaders.partitions[partition];
      if (before?.leaderId !== session.id || before.leadership > above) return;
      const raised = { ...before, leadership: above + 1 };
      const next = encodeLeaders({
        ...leaders,
        partitions: leaders.partitions.with(partition, raised),
      });
      const reply = await store.raise(session, { topicId, expected: known.text, next });
      if (reply === 'fenced') return;
      if (reply !== 'stale') {
        feed.acceptOwn({ version: reply, leaders: new Map([[topicId, next]]) });
        // It follows a change of another, of which the notice is on its way.
        if (feed.state.leaders.get(topicId)?.text !== next) await feed.refresh();
        return;
      }
      await feed.refresh();
    }
  }

  /** All in one write: single ones, at the same time, would be in each other's way. */
  async electPreferred(
    { id }: Topic,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, ClusterOutcome>> {
    const outcomes = new Map<number, ClusterOutcome>();
    const whole = await this.#change(id, (leaders) => {
      const elected: [number, StoredPlacement][] = [];
      for (const partition of partitions) {
        const before = leaders.partitions[partition];
        const outcome = this.#electable(before);
        outcomes.set(partition, outcome);
        if (outcome !== 'done') continue;
        elected.push([partition, { ...before!, leaderId: before!.replicas[0]! }]);
      }
      return elected.length === 0 ? 'done' : this.#with(leaders, elected);
    });
    if (whole === 'done') return outcomes;
    const failed = (partition: number): ClusterOutcome => {
      const outcome = outcomes.get(partition) ?? 'done';
      return outcome === 'done' ? whole : outcome;
    };
    return new Map(partitions.map((partition) => [partition, failed(partition)]));
  }

  assignReplicas(
    { id }: Topic,
    replicas: ReadonlyMap<number, readonly number[]>,
  ): Promise<ClusterOutcome> {
    return this.#change(id, (leaders) => {
      const placements: [number, StoredPlacement][] = [];
      for (const [partition, brokers] of replicas) {
        const before = leaders.partitions[partition];
        if (before === undefined || !this.#areSound(brokers)) return 'invalid-replicas';
        const leaderId = this.#leaderAmong(brokers);
        placements.push([partition, { ...before, leaderId, replicas: brokers, isChosen: true }]);
      }
      return this.#with(leaders, placements);
    });
  }

  #electable(before: StoredPlacement | undefined): ClusterOutcome {
    const [preferred = -1] = before?.replicas ?? [];
    const broker = this.deps.feed.state.broker(preferred);
    if (broker === undefined || broker.isDraining) return 'not-available';
    return before?.leaderId === preferred ? 'not-needed' : 'done';
  }

  #areSound(brokers: readonly number[]): boolean {
    const { state } = this.deps.feed;
    const isTwice = new Set(brokers).size !== brokers.length;
    return !isTwice && brokers.length > 0 && brokers.every((id) => state.broker(id) !== undefined);
  }

  #leaderAmong(brokers: readonly number[]): number {
    const { state } = this.deps.feed;
    return brokers.find((id) => state.broker(id)?.isDraining === false) ?? brokers[0]!;
  }

  /** With some other placements, under a higher leadership where the leader is another. */
  #with(
    leaders: StoredLeaders,
    placements: readonly (readonly [number, StoredPlacement])[],
  ): StoredLeaders {
    const sessions = new Map(leaders.sessions);
    const partitions = [...leaders.partitions];
    for (const [index, next] of placements) {
      const before = partitions[index]!;
      const isOther = before.leaderId !== next.leaderId;
      partitions[index] = isOther ? { ...next, leadership: before.leadership + 1 } : next;
      const token = this.deps.feed.state.broker(next.leaderId)?.token;
      // That of another session is left: the controller raises all that such a leader has.
      if (token !== undefined && !sessions.has(next.leaderId)) sessions.set(next.leaderId, token);
    }
    return { sessions, partitions };
  }

  async #change(topicId: string, change: Change): Promise<ClusterOutcome> {
    const { feed, controller, limits } = this.deps;
    for (let round = 0; round < limits.conflictsMax; round++) {
      const { fence } = controller;
      if (fence === null) return 'not-controller';
      const leaders = this.#leadersOf(topicId);
      if (leaders === null) return 'not-available';
      const next = change(leaders);
      if (typeof next === 'string') return next;
      const plan = new Map([[topicId, next]]);
      const given = controller.givenBy(plan);
      const outcome = await controller.assigner.write(fence, plan);
      if (outcome === 'fenced') return 'not-controller';
      if (outcome === 'done') {
        controller.count(given, 'asked');
        return 'done';
      }
      await feed.refresh();
    }
    return 'not-available';
  }

  /** As they are, or as they will be where that topic has just been made. */
  #leadersOf(topicId: string): StoredLeaders | null {
    const { feed, controller } = this.deps;
    const planned = placeLeaders(controller.planInput(), new Set([topicId])).get(topicId);
    const leaders = planned ?? feed.state.leaders.get(topicId)?.leaders ?? null;
    return leaders === newerLeaders ? null : leaders;
  }
}
