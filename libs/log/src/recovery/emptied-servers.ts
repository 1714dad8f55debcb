import type { Clock, Logger } from '@sluice/base';
import { attempt, RedisUnavailable, type Redis, type RedisLink, type Shard } from '@sluice/redis';
import { partitionKeys, registryKeys, type PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { createPartitionScript } from '../scripts';
import { isRegistered, partitionsOf, type ServerScope } from './server-partitions';

/** What emptied servers are found with. */
export interface EmptiedServersDeps {
  redis: RedisLink;
  clock: Clock;
  log: Logger;
}

/** The connections for a look at one server; those of the link where none are given. */
type Connections = Pick<ServerScope, 'redis' | 'registry'>;

/**
 * Finds the servers of a Redis Cluster that have lost everything. Whether a whole Redis was emptied
 * is told by the cluster id; but that lies on one server of several. The others have lost
 * everything where the registry knows partitions of theirs, and they have none of them.
 */
export class EmptiedServers {
  /** The last look at each, for whoever misses something there soon afterwards. */
  readonly #looks = new WeakMap<Shard, { atMs: number; done: Promise<void> }>();
  readonly #told = new WeakSet<Shard>();

  constructor(private readonly deps: EmptiedServersDeps) {}

  /**
   * Looks at the server of a partition that was not there, unless it was deleted. At most one look
   * a second is taken at a server.
   *
   * @throws RedisUnavailable 'emptied' where it has lost everything; then every command to it is
   *   refused from now on. RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  async missed(ref: PartitionRef): Promise<void> {
    const { redis, clock } = this.deps;
    const { read, keyPrefix } = redis;
    if (!redis.isCluster || !(await isRegistered(read, keyPrefix, ref))) return;
    const shard = redis.shardOf(partitionKeys(keyPrefix, ref).meta);
    const nowMs = clock.monotonicMs();
    let look = this.#looks.get(shard);
    if (look === undefined || nowMs - look.atMs >= partitionLimits.emptiedLookEveryMs) {
      look = { atMs: nowMs, done: this.#look(shard) };
      this.#looks.set(shard, look);
    }
    await look.done;
  }

  /**
   * @throws RedisUnavailable 'emptied' where a server has lost everything; RedisUnavailable |
   *   UnknownOutcome when it, or the registry, cannot be asked
   */
  async check(shard: Shard, connections?: Connections): Promise<void> {
    const wanted = await this.#lost(shard, connections);
    if (wanted.length === 0) return void this.#told.delete(shard);
    const message = 'a server of the Redis Cluster is empty: its partitions are gone';
    if (!this.#told.has(shard)) {
      this.#told.add(shard);
      this.deps.log.error(`${message}. They are refused until their data are back`, {
        partitions: wanted.length,
        otherwise: 'restart the gateway with --accept-empty-redis to begin them anew',
      });
    }
    throw new RedisUnavailable('emptied', message);
  }

  /** Refuses every command to a server that has lost everything. @throws as `check` */
  async refuse(shard: Shard): Promise<void> {
    await this.check(shard).catch((error: unknown) => {
      if (!(error instanceof RedisUnavailable && error.reason === 'emptied')) throw error;
      shard.suspect(error);
    });
  }

  /**
   * Makes the partitions of a server anew, empty, where it has lost everything.
   *
   * @param reservation see `reservationTerms`
   * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  async beginAnew(shard: Shard, reservation: string): Promise<void> {
    const { redis, log } = this.deps;
    const lost = await this.#lost(shard);
    if (lost.length === 0) return;
    for (const refs of steps(lost)) {
      const made = refs.map((ref) => {
        const keys = partitionKeys(redis.keyPrefix, ref);
        return createPartitionScript.call(shard.write, keys, { reservation });
      });
      await Promise.all(made);
    }
    const message = 'begins the partitions of an emptied server of the Redis Cluster anew';
    log.warn(message, { partitions: lost.length });
  }

  async #look(shard: Shard): Promise<void> {
    try {
      await this.check(shard);
    } catch (error) {
      if (error instanceof RedisUnavailable && error.reason === 'emptied') shard.suspect(error);
      throw error;
    }
  }

  /**
   * The partitions that a server should have, where it has none of them; else none. One that has
   * lost its last writes has those that are older.
   */
  async #lost(shard: Shard, connections?: Connections): Promise<PartitionRef[]> {
    const { redis, log } = this.deps;
    const { keyPrefix, read } = redis;
    const isOn = (key: string): boolean => redis.shardOf(key) === shard;
    if (!redis.isCluster || isOn(registryKeys(keyPrefix).clusterId)) return [];
    const scope = { redis: read, isHere: isOn, keyPrefix, log, ...connections };
    const wanted = await partitionsOf(scope, 'partitions');
    for (const refs of steps(wanted)) {
      if (await hasAny(scope.redis, keyPrefix, refs)) return [];
    }
    if (wanted.length === 0) return [];
    // A topic is taken out of the registry before its partitions are removed.
    const ids = new Set(wanted.map(({ topicId }) => topicId));
    const still = await partitionsOf(scope, 'partitions');
    return still.filter(({ topicId }) => ids.has(topicId));
  }
}

/** Some of a slot that is just moving cannot be asked for, which does not matter if others can. */
async function hasAny(redis: Redis, keyPrefix: string, refs: readonly PartitionRef[]) {
  const asked = refs.map((ref) => {
    return attempt('log.emptied-server', redis.exists(partitionKeys(keyPrefix, ref).meta));
  });
  const answers = await Promise.allSettled(asked);
  if (answers.some((one) => one.status === 'fulfilled' && one.value > 0)) return true;
  const failed = answers.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return false;
}

/** Bounded, so that a full pipeline never keeps Redis from others for long. */
function* steps(refs: readonly PartitionRef[]): Generator<readonly PartitionRef[]> {
  const { recoverPartitionsMax: size } = partitionLimits;
  for (let at = 0; at < refs.length; at += size) yield refs.slice(at, at + size);
}
