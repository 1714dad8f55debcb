import type { RedisLink, Shard } from '@sluice/redis';
import type { LogHistory } from '../recovery/log-history';
import type { AppendBatch, AppendReply } from './append-call';
import type { Appends } from './appends';
import { requireReplicas, waitForReplicas } from './replication';

/** An append call that is out. */
export interface AppendCall {
  readonly reply: Promise<AppendReply>;
  /**
   * To be called after the reply: resolves once enough replicas have what the call has written.
   * Null where nobody asks for that.
   */
  readonly confirm: (() => Promise<void>) | null;
}

/** How a writer's calls get to Redis, by the number of replicas that have to confirm them. */
export interface AppendLanes {
  /** False where `ready` has to be waited for, whatever the number of copies. */
  readonly isOpen: boolean;
  /**
   * Resolves when appends may be made, and so many replicas are there.
   *
   * @throws NotEnoughReplicas | RedisUnavailable: nothing may be sent
   */
  ready(copies: number): Promise<void>;
  /** Sends one call. The next may be sent when it is answered: lanes do not wait for each other. */
  send(batches: readonly AppendBatch[], copies: number): AppendCall;
}

/** What the lanes of one writer need. */
export interface LanesOptions {
  redis: Pick<RedisLink, 'shardOf' | 'write'>;
  /** A key of the partition. */
  key: string;
  appends: Appends;
  leaderEpoch: number;
  replicationTimeoutMs: number;
  /** Says when appends may be made. */
  history: LogHistory | undefined;
}

/**
 * Two connections: one for what is acknowledged once the primary has it, and one for what replicas
 * confirm, because WAIT blocks its connection and covers that connection's writes.
 */
export class RedisLanes implements AppendLanes {
  constructor(private readonly options: LanesOptions) {}

  async ready(copies: number): Promise<void> {
    await this.options.history?.opening;
    if (copies > 0) await requireReplicas(this.#shard, copies);
  }

  /** The one that has the partition now. */
  get #shard(): Shard {
    return this.options.redis.shardOf(this.options.key);
  }

  get isOpen(): boolean {
    return (this.options.history?.opening ?? null) === null;
  }

  send(batches: readonly AppendBatch[], copies: number): AppendCall {
    const { appends, leaderEpoch, replicationTimeoutMs } = this.options;
    if (copies === 0) {
      const reply = appends.append(
        this.options.redis.write,
        { leaderEpoch, confirm: false },
        batches,
      );
      return { reply, confirm: null };
    }
    const shard = this.#shard;
    const { durable } = shard;
    const { stream } = durable;
    // A new connection knows nothing of what was written on the one before it.
    const sameConnection = (): boolean => durable.stream === stream;
    return {
      reply: appends.append(durable, { leaderEpoch, confirm: true }, batches),
      confirm: () => waitForReplicas(shard, copies, replicationTimeoutMs, sameConnection),
    };
  }
}
