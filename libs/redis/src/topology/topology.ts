import type { Redis } from 'ioredis';
import type { LentReplies } from '../lent-replies';
import type { Shard } from '../shard';
import type { Place } from './place';

/** Makes the connections to one primary, not started yet. */
export type ShardMaker = (place?: Place) => Shard;

/** A place that is also watched. */
export interface FoundPlace extends Place {
  start(): void;
  stop(): Promise<void>;
}

/** What a Redis consists of, and which part of it has what. */
export interface Topology {
  /** All shards; there is one at the least once it has started. */
  readonly shards: readonly Shard[];
  /** Each command that is given to these goes to the shard that has its key. */
  readonly write: Redis;
  readonly durable: Redis;
  readonly read: Redis;
  readonly entries: Redis;
  /** For the values of `entries`. */
  readonly lent: LentReplies;
  /** The shard that has a key or channel. */
  shardOf(key: string): Shard;
  /**
   * Where the primary is that has a key, for connections that outlive a move of its slot;
   * undefined: where the options say, always.
   */
  placeOf(key: string): Place | undefined;
  /** @throws as `Shard.start`; `close` is to be called all the same */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** One primary: no command has to be looked at. */
export class OneShard implements Topology {
  readonly #shard: Shard;
  readonly shards: readonly Shard[];
  readonly write: Redis;
  readonly durable: Redis;
  readonly read: Redis;
  readonly entries: Redis;
  readonly lent: LentReplies;

  /** @param place says where it is, each time anew; without it, the options do */
  constructor(
    newShard: ShardMaker,
    private readonly place?: FoundPlace,
  ) {
    this.#shard = newShard(place);
    const { write, durable, read, entries, lent } = this.#shard;
    [this.write, this.durable, this.read, this.entries] = [write, durable, read, entries];
    this.lent = lent;
    this.shards = [this.#shard];
  }

  shardOf(): Shard {
    return this.#shard;
  }

  placeOf(): Place | undefined {
    return this.place;
  }

  async start(): Promise<void> {
    await this.#shard.start();
    this.place?.start();
  }

  async close(): Promise<void> {
    await this.#shard.close();
    await this.place?.stop();
  }
}
