import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { Command, Redis } from 'ioredis';
import { isConnectionLoss, RedisUnavailable } from '../errors';
import { LentReplies } from '../lent-replies';
import { redisLimits } from '../options';
import type { Shard } from '../shard';
import type { ClusterNodes, ClusterPart } from './cluster-nodes';
import { addressText, type Address, type Place } from './place';
import { RedirectedCall } from './redirected-call';
import { routedRedis, type RoutedRole, type Router } from './routed-redis';
import { slotCount, slotOf } from './slots';
import type { ShardMaker, Topology } from './topology';

/** What a cluster is made with. */
export interface ClusterParts {
  nodes: Pick<ClusterNodes, 'read' | 'close'>;
  newShard: ShardMaker;
  clock: Clock;
  log: Logger;
}

/** One shard, and what the map said of it last. */
interface Known {
  shard: Shard;
  primaryId: string;
  address: Address;
  memberIds: ReadonlySet<string>;
  /** It was named by a server that hands a slot over to it, and need not have one yet. */
  isAwaited: boolean;
}

function nobodyServes(): (Known | null)[] {
  return Array.from({ length: slotCount }, () => null);
}

/**
 * A Redis Cluster: a shard for each primary that has slots, with connections, history and admission
 * of its own. A command goes to the shard that has its key's slot. Who has what is read from the
 * nodes every `clusterLookEveryMs`, and at once when a server answers that it has not got a slot,
 * or a connection was lost.
 */
export class ClusterShards implements Topology, Router {
  readonly write = routedRedis(this, 'write');
  readonly durable = routedRedis(this, 'durable');
  readonly read = routedRedis(this, 'read');
  readonly entries = routedRedis(this, 'entries');
  /** A value may come from any shard, so none is lent. */
  readonly lent = new LentReplies();
  readonly #look: Periodic;
  #known: readonly Known[] = [];
  #bySlot: (Known | null)[] = nobodyServes();
  #reading: Promise<void> | null = null;
  #readAtMs = -Infinity;
  #hasStarted = false;
  #isClosed = false;
  /** What ends by itself later. */
  readonly #closing = new Set<Promise<void>>();

  constructor(private readonly parts: ClusterParts) {
    const { clock, log } = parts;
    this.#look = new Periodic({
      clock,
      log,
      name: 'asking who serves what in the Redis Cluster',
      everyMs: redisLimits.clusterLookEveryMs,
      failureLevel: 'debug',
      run: () => this.refresh(),
    });
  }

  get shards(): readonly Shard[] {
    return this.#known.map(({ shard }) => shard);
  }

  /** The shard of a slot that nobody serves is any: it will say so. */
  shardOf(key: string): Shard {
    return (this.#bySlot[slotOf(key)] ?? this.#known[0]!).shard;
  }

  connection(key: string, role: RoutedRole): Redis {
    return this.shardOf(key)[role];
  }

  send(command: Command, key: string | Buffer, role: RoutedRole): void {
    const slot = slotOf(key);
    if (this.#known.length === 0) {
      return void command.reject(new RedisUnavailable('moved', 'the cluster is not known'));
    }
    new RedirectedCall(command, {
      clock: this.parts.clock,
      current: () => (this.#bySlot[slot] ?? this.#known[0]!).shard[role],
      at: async (address) => (await this.#at(address)).shard[role],
      moved: (address) => this.#moved(slot, address),
      refresh: () => this.refresh(),
    }).send();
  }

  async start(): Promise<void> {
    await this.refresh();
    await Promise.all(this.shards.map((shard) => shard.start()));
    this.#hasStarted = true;
    this.#look.start();
    const shards = this.#known.map(({ address }) => addressText(address));
    this.parts.log.info('the Redis Cluster has these primaries', { primaries: shards.join(' ') });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#look.stop();
    await Promise.all([...this.shards.map((shard) => shard.close()), ...this.#closing]);
    await this.parts.nodes.close();
  }

  /**
   * Reads anew who serves what; those who ask at the same time share one reading.
   *
   * @throws RedisStartError where no node says it
   */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #read(): Promise<void> {
    const parts = await this.parts.nodes.read();
    if (this.#isClosed) return;
    this.#readAtMs = this.parts.clock.monotonicMs();
    this.#apply(parts);
  }

  #apply(parts: readonly ClusterPart[]): void {
    const before = this.#known;
    const bySlot = nobodyServes();
    const now = parts.map((part) => {
      const known = this.#find(part, parts) ?? this.#add(part.address);
      const hasMoved = addressText(known.address) !== addressText(part.address);
      known.primaryId = part.primaryId;
      known.address = part.address;
      known.memberIds = new Set([part.primaryId, ...part.replicaIds]);
      known.isAwaited = false;
      for (const [from, to] of part.ranges) bySlot.fill(known, from, to + 1);
      if (hasMoved) this.#left(known);
      return known;
    });
    const awaited = before.filter((one) => one.isAwaited && !now.includes(one));
    this.#known = [...new Set([...now, ...awaited])];
    this.#bySlot = bySlot;
    for (const one of before) if (!this.#known.includes(one)) this.#end(one);
  }

  /** The shard that a part of the map is: the same primary, or one that replaced it. */
  #find(part: ClusterPart, parts: readonly ClusterPart[]): Known | undefined {
    const isThere = (id: string): boolean => parts.some(({ primaryId }) => primaryId === id);
    return (
      this.#known.find(({ primaryId }) => primaryId === part.primaryId) ??
      this.#known.find(({ address }) => addressText(address) === addressText(part.address)) ??
      this.#known.find((one) => one.memberIds.has(part.primaryId) && !isThere(one.primaryId))
    );
  }

  #left({ shard, address }: Known): void {
    this.parts.log.info('another server is the primary of a shard', {
      primary: addressText(address),
    });
    shard.leave();
  }

  #add(address: Address): Known {
    const place: Place = {
      locate: async () => {
        // Whoever connects again does so because the server has gone, perhaps for good.
        const ageMs = this.parts.clock.monotonicMs() - this.#readAtMs;
        if (this.#hasStarted && ageMs > redisLimits.clusterMapFreshMs) await this.#tryRefresh();
        return known.address;
      },
      isNoPrimary: () => this.#refreshSoon(),
      isElsewhere: () => this.#refreshSoon(),
    };
    const shard = this.parts.newShard(place);
    const none = { primaryId: '', memberIds: new Set<string>(), isAwaited: false };
    const known: Known = { shard, address, ...none };
    if (this.#hasStarted) this.#begin(known);
    return known;
  }

  /** One that has come later may have been written to by others, and lost something of it. */
  #begin(known: Known): void {
    const { shard } = known;
    const starting = async (): Promise<void> => {
      try {
        await shard.start(true);
      } catch (error) {
        const { message } = error as Error;
        if (!isConnectionLoss(error)) {
          this.parts.log.warn('a shard of the Redis Cluster cannot be used', { error: message });
        }
        // The next look at the map makes another.
        this.#known = this.#known.filter((one) => one !== known);
        this.#bySlot = this.#bySlot.map((one) => (one === known ? null : one));
        await shard.close();
      }
    };
    this.#later(starting());
  }

  #end({ shard, address }: Known): void {
    this.parts.log.info('a shard of the Redis Cluster has no slots any more', {
      primary: addressText(address),
    });
    this.#later(shard.close());
  }

  #later(work: Promise<void>): void {
    const ending: Promise<void> = work.finally(() => this.#closing.delete(ending));
    this.#closing.add(ending);
  }

  async #moved(slot: number, address: Address): Promise<void> {
    const known = this.#known.find((one) => addressText(one.address) === addressText(address));
    if (known === undefined) return this.refresh();
    this.#bySlot[slot] = known;
    this.#refreshSoon();
  }

  /** The shard at an address; one that has no slot yet is not in the map. */
  async #at(address: Address): Promise<Known> {
    const text = addressText(address);
    const find = (): Known | undefined =>
      this.#known.find((one) => addressText(one.address) === text);
    if (find() === undefined) await this.#tryRefresh();
    const found = find();
    if (found !== undefined) return found;
    const known = this.#add(address);
    known.isAwaited = true;
    this.#known = [...this.#known, known];
    return known;
  }

  #refreshSoon(): void {
    this.#look.runSoon();
  }

  async #tryRefresh(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      this.parts.log.debug('nobody says who serves what', { error: (error as Error).message });
    }
  }
}
