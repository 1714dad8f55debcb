import type { Redis } from 'ioredis';
import type { LentReplies } from '../lent-replies';
import type { Shard } from '../shard';
import type { Place } from './place';

/** Makes the connections to one primary, not started yet. */
export type ShardMaker = (place?: Place) => Shard;

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

  constructor(newShard: ShardMaker, place?: Place) {
    this.#shard = newShard(place);
    const { write, durable, read, entries, lent } = this.#shard;
    [this.write, this.durable, this.read, this.entries] = [write, durable, read, entries];
    this.lent = lent;
    this.shards = [this.#shard];
  }

  shardOf(): Shard {
    return this.#shard;
  }

  start(): Promise<void> {
    return this.#shard.start();
  }

  close(): Promise<void> {
    return this.#shard.close();
  }
}
