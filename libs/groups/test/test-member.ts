import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { GroupRefused } from '../src/assigned/group-refused';
import type {
  Grant,
  MemberListener,
  MemberPartition,
  MemberSettings,
} from '../src/assigned/session/session-api';
import { MemberSession, type MemberSessionDeps } from '../src/assigned/session/member-session';
import type { TopicSource } from '../src/assigned/session/topics';

export interface TestMemberOptions extends Partial<MemberSettings> {
  groupId: string;
  /** Keeps what is revoked until the test lets it go. */
  isSlow?: boolean;
}

/** A member that writes down what becomes of it, and lets go at once unless it is slow. */
export class TestMember implements MemberListener {
  readonly session: MemberSession;
  /** By `<topic>/<partition>`. */
  readonly held = new Map<string, Grant>();
  readonly events: string[] = [];
  refusal: GroupRefused | null = null;
  readonly #isSlow: boolean;

  constructor(
    deps: { redis: RedisLink; topics: TopicSource } & Partial<MemberSessionDeps>,
    { isSlow = false, ...settings }: TestMemberOptions,
  ) {
    this.#isSlow = isSlow;
    const { redis, topics, clock = systemClock, limits } = deps;
    const all = { redis, topics, clock, random: systemRandom, log: silentLogger };
    const times = { sessionTimeoutMs: 2000, heartbeatIntervalMs: 50 };
    this.session = new MemberSession(
      { ...all, limits: { sessionTimeoutMsMin: 50, lookClaimMs: 50, ...limits } },
      { topics: ['orders'], ...times, ...settings },
      this,
    );
  }

  /** What it holds, as `orders/0 orders/1`. */
  get holds(): string {
    return [...this.held.keys()].sort().join(' ');
  }

  async join(): Promise<this> {
    await this.session.join();
    return this;
  }

  /** Lets go all that is named, or all. */
  letGo(...names: string[]): void {
    const wanted = names.length === 0 ? [...this.held.keys()] : names;
    const grants = wanted.map((name) => this.held.get(name)!);
    for (const name of wanted) this.held.delete(name);
    this.session.letGo(grants);
  }

  granted(grants: readonly Grant[]): void {
    for (const grant of grants) this.held.set(nameOf(grant), grant);
    this.#note('granted', grants);
  }

  revoking(partitions: readonly MemberPartition[]): void {
    this.#note('revoking', partitions);
    if (!this.#isSlow) this.letGo(...partitions.map(nameOf));
  }

  lost(partitions: readonly MemberPartition[]): void {
    for (const one of partitions) this.held.delete(nameOf(one));
    this.#note('lost', partitions);
  }

  fenced(): void {
    this.held.clear();
    this.events.push('fenced');
  }

  refused(error: GroupRefused): void {
    this.refusal = error;
    this.events.push('refused');
  }

  #note(what: string, partitions: readonly MemberPartition[]): void {
    this.events.push(`${what} ${partitions.map(nameOf).sort().join(' ')}`);
  }
}

function nameOf({ topic, partition }: MemberPartition): string {
  return `${topic}/${partition}`;
}
