import type { ClusterLimits } from '../limits';
import type { Plan } from '../planner/plan-input';
import type { ClusterStore, LeadersChange } from '../store/cluster-store';
import { encodeLeaders } from '../store/stored-leaders';
import type { ClusterFeed } from '../view/cluster-feed';

/** How the writing of a plan ended. */
export type AssignOutcome = 'done' | 'stale' | 'fenced';

/** What writes plans works with. */
export interface AssignerDeps {
  store: ClusterStore;
  feed: ClusterFeed;
  limits: ClusterLimits;
}

/** Writes who leads what, many topics in a call and some calls at a time. */
export class Assigner {
  constructor(private readonly deps: AssignerDeps) {}

  /**
   * Writes a plan that was made from the state as the feed has it.
   *
   * @param gone ids of topics whose leaders are removed
   * @returns `stale` where others have changed some topic meanwhile; `fenced` where the fence is
   *   that of nobody any more
   * @throws RedisUnavailable | UnknownOutcome; the plan may be written in part
   */
  async write(fence: string, plan: Plan, gone: Iterable<string> = []): Promise<AssignOutcome> {
    const changes: LeadersChange[] = [];
    const add = (topicId: string, next: string): void => {
      const expected = this.deps.feed.state.leaders.get(topicId)?.text ?? '';
      if (expected !== next) changes.push({ topicId, expected, next });
    };
    for (const [topicId, leaders] of plan) add(topicId, encodeLeaders(leaders));
    for (const topicId of gone) add(topicId, '');
    let outcome: AssignOutcome = 'done';
    const calls = [...this.#calls(changes)];
    const { assignCallsMax } = this.deps.limits;
    for (let at = 0; at < calls.length; at += assignCallsMax) {
      const some = calls.slice(at, at + assignCallsMax);
      for (const one of await Promise.all(some.map((call) => this.#call(fence, call, plan)))) {
        if (outcome !== 'fenced' && one !== 'done') outcome = one;
      }
      if (outcome === 'fenced') break;
    }
    return outcome;
  }

  async #call(
    fence: string,
    changes: readonly LeadersChange[],
    plan: Plan,
  ): Promise<AssignOutcome> {
    const { store, feed } = this.deps;
    const reply = await store.assign(fence, changes);
    if (reply === null) return 'fenced';
    const stale = new Set(reply.stale);
    const leaders = new Map<string, string | null>();
    for (const { topicId, next } of changes) {
      if (!stale.has(topicId)) leaders.set(topicId, next === '' ? null : next);
    }
    if (leaders.size > 0) feed.acceptOwn({ version: reply.version, leaders }, plan);
    return stale.size > 0 ? 'stale' : 'done';
  }

  *#calls(changes: readonly LeadersChange[]): Generator<LeadersChange[]> {
    const { assignTopicsMax, assignCharactersMax } = this.deps.limits;
    let call: LeadersChange[] = [];
    let characters = 0;
    for (const change of changes) {
      const own = change.expected.length + change.next.length;
      const isFull = call.length >= assignTopicsMax || characters + own > assignCharactersMax;
      if (call.length > 0 && isFull) {
        yield call;
        call = [];
        characters = 0;
      }
      call.push(change);
      characters += own;
    }
    if (call.length > 0) yield call;
  }
}
