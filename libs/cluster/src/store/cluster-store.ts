import type { RedisLink } from '@sluice/redis';
import { clusterKeys, type ClusterKeys } from '../keys';
import type { ClusterLimits } from '../limits';
import {
  assignScript,
  heartbeatScript,
  joinScript,
  leaveScript,
  raiseScript,
  readClusterScript,
  reapScript,
  tellScript,
} from './cluster-scripts';

/** A broker's session, as scripts compare it. */
export interface SessionRef {
  readonly id: number;
  readonly token: string;
}

/** One topic's leaders, from one text to the next; no characters stand for none. */
export interface LeadersChange {
  topicId: string;
  expected: string;
  next: string;
}

/** The cluster at one moment. */
export interface ClusterContent {
  version: number;
  controllerId: number;
  brokers: ReadonlyMap<string, string>;
  leaders: ReadonlyMap<string, string>;
}

/** How to take an id. */
export interface JoinTerms {
  /** −1: any. */
  wantedId: number;
  /** All tokens of the process begin with it. */
  process: string;
  token: string;
  place: string;
  /** Whether this process surely has the place. */
  takesPlace: boolean;
  description: string;
}

/** What a heartbeat finds. */
export interface Beat {
  version: number;
  leaderCount: number;
  controllerId: number;
  /** Of this broker's tenure as the controller; null where it is not. */
  fence: string | null;
  /** When the session of another can be over, from now; −1: there is none. */
  endsInMs: number;
}

/** Fields that are nothing's, and keep the keys in being. */
const marks = 1;

/**
 * The cluster in Redis: one method a script, and nothing remembered. All throw RedisUnavailable
 * when nothing was executed, and UnknownOutcome when it may have been; all may be repeated.
 */
export class ClusterStore {
  readonly #keys: ClusterKeys;
  readonly #session: { sessionMs: number; quietMs: number };

  constructor(
    private readonly redis: RedisLink,
    private readonly limits: ClusterLimits,
  ) {
    this.#keys = clusterKeys(redis.keyPrefix, redis.db);
    const { sessionMs, quietShare } = limits;
    this.#session = { sessionMs, quietMs: Math.round(sessionMs * quietShare) };
  }

  /** The channel on which each change is published. */
  get channel(): string {
    return this.#keys.changes;
  }

  join({ takesPlace, ...terms }: JoinTerms) {
    return joinScript.call(this.redis.write, this.#keys, {
      ...terms,
      ...this.#session,
      takesPlace: takesPlace ? 1 : 0,
      firstId: this.limits.firstBrokerId,
      channel: this.channel,
    });
  }

  /**
   * Renews a session, and takes the controllership where nobody has it.
   *
   * @param mark a part of the fence that nobody has had yet; empty: it is not to be taken
   * @returns null where the session is not that of the broker any more
   */
  async beat(session: SessionRef, mark: string): Promise<Beat | null> {
    const args = { ...session, ...this.#session, mark, channel: this.channel };
    const reply = await heartbeatScript.call(this.redis.write, this.#keys, args);
    if (reply.tag === 'fenced') return null;
    const { version, leaderCount, controllerId, fence, endsInMs } = reply;
    const held = fence === '' ? null : fence;
    return { version, leaderCount: leaderCount - marks, controllerId, fence: held, endsInMs };
  }

  async leave(session: SessionRef): Promise<void> {
    const args = { ...session, channel: this.channel };
    await leaveScript.call(this.redis.write, this.#keys, args);
  }

  /** @returns whether it was told; not where the session is not that of the broker any more */
  async tell(session: SessionRef, entry: string): Promise<boolean> {
    const args = { ...session, entry, channel: this.channel };
    return (await tellScript.call(this.redis.write, this.#keys, args)).tag === 'told';
  }

  /** @returns the brokers that were taken out; null where the fence is that of nobody any more */
  async reap(fence: string): Promise<readonly string[] | null> {
    const longestMs = this.limits.sessionMsMax;
    const args = { fence, ...this.#session, longestMs, channel: this.channel };
    const reply = await reapScript.call(this.redis.write, this.#keys, args);
    return reply.tag === 'fenced' ? null : reply.ids;
  }

  /** @returns null where the fence is that of nobody any more */
  async assign(
    fence: string,
    changes: readonly LeadersChange[],
  ): Promise<{ version: number; stale: readonly string[] } | null> {
    const args = { fence, channel: this.channel, changes: flat(changes) };
    const reply = await assignScript.call(this.redis.write, this.#keys, args);
    return reply.tag === 'fenced' ? null : reply;
  }

  /** @returns the version, or why nothing was written */
  async raise(session: SessionRef, change: LeadersChange): Promise<number | 'fenced' | 'stale'> {
    const args = { ...session, channel: this.channel, changes: flat([change]) };
    const reply = await raiseScript.call(this.redis.write, this.#keys, args);
    return reply.tag === 'raised' ? reply.version : reply.tag;
  }

  async read(): Promise<ClusterContent> {
    const reply = await readClusterScript.call(this.redis.read, this.#keys, {});
    const { version, controllerId } = reply;
    const brokers = pairs(reply.brokers);
    const leaders = pairs(reply.leaders);
    return { version, controllerId, brokers, leaders };
  }
}

function flat(changes: readonly LeadersChange[]): string[] {
  return changes.flatMap(({ topicId, expected, next }) => [topicId, expected, next]);
}

/** Without what only keeps a key in being. */
function pairs(texts: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) found.set(texts[at]!, texts[at + 1]!);
  found.delete('#');
  return found;
}
