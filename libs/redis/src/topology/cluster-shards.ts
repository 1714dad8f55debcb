import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { Command, Redis } from 'ioredis';
import { LentReplies } from '../lent-replies';
import { redisLimits } from '../options';
import type { Shard } from '../shard';
import type { ClusterNodes, ClusterPart } from './cluster-nodes';
import { readFirstMap } from './first-map';
import { addressText, Followers, type Address, type Place } from './place';
import { RedirectedCall } from './redirected-call';
import { routedRedis, type RoutedRole, type Router } from './routed-redis';
import { slotCount, slotOf } from './slots';
import { KeyPlace } from './key-place';
import type { ShardMaker, Topology } from './topology';

/** What a cluster is made with. */
export interface ClusterParts {
  nodes: Pick<ClusterNodes, 'read' | 'close'>;
  newShard: ShardMaker;
  clock: Clock;
  log: Logger;
  /** How long the start waits for a node that says who serves what. */
  waitMsMax: number;
}

/** One shard, and what the map said of it last. */
interface Known {
  shard: Shard;
  primaryId: string;
  address: Address;
  memberIds: ReadonlySet<string>;
  /** Those who have connections to it. */
  followers: Followers;
  /**
   * Until when it is kept although it has no slot, by the monotonic clock: a server has named it
   * that hands a slot over to it.
   */
  awaitedUntilMs: number;
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
  /** Places of keys that somebody follows. */
  readonly #places = new Set<KeyPlace>();
  #reading: Promise<void> | null = null;
  #readAtMs = -Infinity;
  #hasStarted = false;
  #isClosed = false;
  /** Those that cannot be used yet. */
  readonly #starting = new Map<Shard, Periodic>();
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

  /** See `#at`. */
  shardOf(key: string): Shard {
    return this.#at(slotOf(key)).shard;
  }

  placeOf(key: string): Place {
    const slot = slotOf(key);
    return new KeyPlace({
      address: () => this.#at(slot).address,
      refresh: () => this.#refreshIfOld(),
      refreshSoon: () => this.#refreshSoon(),
      places: this.#places,
    });
  }

  connection(key: string, role: RoutedRole): Redis {
    return this.shardOf(key)[role];
  }

  send(command: Command, key: string | Buffer, role: RoutedRole): void {
    const slot = slotOf(key);
    new RedirectedCall(command, {
      clock: this.parts.clock,
      current: () => this.#at(slot).shard[role],
      at: async (address) => (await this.#named(address)).shard[role],
      moved: (address) => this.#moved(slot, address),
      refresh: () => this.refresh(),
    }).send();
  }

  async start(): Promise<void> {
    await readFirstMap(() => this.refresh(), this.parts);
    const first = this.shards;
    // A primary that cannot be used is looked for anew, as it may be replaced meanwhile.
    this.#hasStarted = true;
    await Promise.all(first.map((shard) => shard.start()));
    this.#look.start();
    const shards = this.#known.map(({ address }) => addressText(address));
    this.parts.log.info('the Redis Cluster has these primaries', { primaries: shards.join(' ') });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#look.stop();
    await Promise.all([...this.shards.map((shard) => this.#close(shard)), ...this.#closing]);
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
      known.awaitedUntilMs = -Infinity;
      for (const [from, to] of part.ranges) bySlot.fill(known, from, to + 1);
      if (hasMoved) this.#left(known);
      return known;
    });
    const nowMs = this.parts.clock.monotonicMs();
    const awaited = before.filter((one) => one.awaitedUntilMs > nowMs && !now.includes(one));
    this.#known = [...new Set([...now, ...awaited])];
    this.#bySlot = bySlot;
    for (const one of before) if (!this.#known.includes(one)) this.#end(one);
    for (const place of this.#places) place.look();
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

  #left({ address, followers }: Known): void {
    this.parts.log.info('another server is the primary of a shard', {
      primary: addressText(address),
    });
    followers.tell();
  }

  #add(address: Address): Known {
    const followers = new Followers();
    const place: Place = {
      isNamed: true,
      locate: async () => {
        await this.#refreshIfOld();
        return known.address;
      },
      isNoPrimary: () => this.#refreshSoon(),
      isElsewhere: () => this.#refreshSoon(),
      follow: (onMoved) => followers.add(onMoved),
    };
    const none = { primaryId: '', memberIds: new Set<string>(), awaitedUntilMs: -Infinity };
    const known: Known = { shard: this.parts.newShard(place), address, followers, ...none };
    if (this.#hasStarted) this.#begin(known);
    return known;
  }

  /** Whoever connects again does so because the server has gone, perhaps for good. */
  async #refreshIfOld(): Promise<void> {
    const ageMs = this.parts.clock.monotonicMs() - this.#readAtMs;
    if (this.#hasStarted && ageMs > redisLimits.clusterMapFreshMs) await this.#tryRefresh();
  }

  /** One that has come later may have been written to by others, and lost something of it. */
  #begin({ shard, address }: Known): void {
    const { log, clock } = this.parts;
    const starting = new Periodic({
      clock,
      log,
      name: `the first use of ${addressText(address)}, a shard of the Redis Cluster,`,
      everyMs: redisLimits.clusterLookEveryMs,
      run: async () => {
        await shard.start(true);
        this.#starting.delete(shard);
        void starting.stop();
      },
    });
    this.#starting.set(shard, starting);
    starting.runSoon();
  }

  #end({ shard, address }: Known): void {
    this.parts.log.info('a shard of the Redis Cluster has no slots any more', {
      primary: addressText(address),
    });
    shard.handOver((channel) => this.shardOf(channel));
    this.#later(this.#close(shard));
  }

  async #close(shard: Shard): Promise<void> {
    const starting = this.#starting.get(shard)?.stop();
    this.#starting.delete(shard);
    await Promise.all([shard.close(), starting]);
  }

  #later(work: Promise<void>): void {
    const ending: Promise<void> = work.finally(() => this.#closing.delete(ending));
    this.#closing.add(ending);
  }

  async #moved(slot: number, address: Address): Promise<void> {
    const known = this.#known.find((one) => addressText(one.address) === addressText(address));
    if (known === undefined) return this.refresh();
    this.#bySlot[slot] = known;
    for (const place of this.#places) place.look();
    this.#refreshSoon();
  }

  /** Of a slot that nobody serves it is any, which will say so. */
  #at(slot: number): Known {
    return this.#bySlot[slot] ?? this.#known[0]!;
  }

  /** The shard at an address; one that has no slot yet is not in the map. */
  async #named(address: Address): Promise<Known> {
    const text = addressText(address);
    const find = (): Known | undefined =>
      this.#known.find((one) => addressText(one.address) === text);
    if (find() === undefined) await this.#tryRefresh();
    const known = find() ?? this.#add(address);
    known.awaitedUntilMs = this.parts.clock.monotonicMs() + redisLimits.clusterAwaitedMsMax;
    if (!this.#known.includes(known)) this.#known = [...this.#known, known];
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
