import type { RedisLink, Shard } from '@sluice/redis';
import type { Confirmation } from '../configs/confirmation';
import type { PartitionRef } from '../keys';
import { LeadershipLost, noLeadership, type Leadership } from '../leadership';
import type { LogHistory } from '../recovery/log-history';
import type { AppendBatch, AppendReply } from './append-call';
import type { Appends } from './appends';
import { confirmingOf, requireConfirming } from './confirming';

/** An append call that is out. */
export interface AppendCall {
  readonly reply: Promise<AppendReply>;
  /**
   * To be called after the reply: resolves once all have what the call has written that have to.
   * Null where that is not waited for.
   */
  readonly confirm: (() => Promise<void>) | null;
}

/** What a call asks for; null: the primary's word is enough. */
export type Asked = Confirmation | null;

/** How a writer's calls get to Redis, by what has to confirm them. */
export interface AppendLanes {
  /** False where `ready` has to be waited for, whatever is asked. */
  readonly isOpen: boolean;
  /**
   * Resolves when appends may be made, and what has to confirm them is there.
   *
   * @throws NotEnoughReplicas | RedisUnavailable: nothing may be sent
   */
  ready(asked: Asked): Promise<void>;
  /**
   * Sends one call. The next may be sent when it is answered: lanes do not wait for each other.
   *
   * @param confirmed how far the log is known to be confirmed; -1: nothing is known
   */
  send(batches: readonly AppendBatch[], asked: Asked, confirmed: number): AppendCall;
  /**
   * To be called where a call was refused as one to an unknown partition, before anybody is told.
   *
   * @throws RedisUnavailable where not the partition is gone but all that its server had
   */
  missed(): Promise<void>;
}

/** What the lanes of one writer need. */
export interface LanesOptions {
  redis: Pick<RedisLink, 'shardOf' | 'write'>;
  ref: PartitionRef;
  /** A key of the partition. */
  key: string;
  appends: Appends;
  /** What appends depend on; left out: on none. */
  leadership?: Leadership;
  replicationTimeoutMs: number;
  /** Says when appends may be made. */
  history: LogHistory | undefined;
}

/**
 * Several connections: one for what is acknowledged once the primary has it, one for what replicas
 * confirm, and one for what disks do, because WAIT and WAITAOF block their connection and cover
 * that connection's writes.
 */
export class RedisLanes implements AppendLanes {
  constructor(private readonly options: LanesOptions) {}

  async ready(asked: Asked): Promise<void> {
    const { history, leadership } = this.options;
    await history?.opening;
    if (leadership?.isOpen) await leadership.claim().catch(unlessLost);
    if (asked?.isAwaited) await requireConfirming(this.#shard, asked);
  }

  async missed(): Promise<void> {
    await this.options.history?.missed(this.options.ref);
  }

  /** The one that has the partition now. */
  get #shard(): Shard {
    return this.options.redis.shardOf(this.options.key);
  }

  get isOpen(): boolean {
    const { history, leadership } = this.options;
    return (history?.opening ?? null) === null && leadership?.isOpen !== true;
  }

  send(batches: readonly AppendBatch[], asked: Asked, upTo: number): AppendCall {
    const { appends, replicationTimeoutMs } = this.options;
    const { number: leadership, isOver } = this.options.leadership ?? noneNeeded;
    if (isOver) return { reply: Promise.resolve({ refused: 'fenced-leader' }), confirm: null };
    const terms = { leadership, confirmed: asked === null ? null : upTo };
    if (!asked?.isAwaited) {
      return { reply: appends.append(this.options.redis.write, terms, batches), confirm: null };
    }
    const { connection, confirm } = confirmingOf(this.#shard, asked, replicationTimeoutMs);
    const { stream } = connection;
    // A new connection knows nothing of what was written on the one before it.
    const sameConnection = (): boolean => connection.stream === stream;
    return {
      reply: appends.append(connection, terms, batches),
      confirm: () => confirm(sameConnection),
    };
  }
}

const noneNeeded = { number: noLeadership, isOver: false };

/** What is appended then is refused as it comes. */
function unlessLost(error: unknown): null {
  if (error instanceof LeadershipLost) return null;
  throw error;
}
