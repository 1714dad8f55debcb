import { systemClock } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { partitionKeys, type PartitionRef } from '../src/keys';
import { partitionLimits, type PartitionLimits } from '../src/partition-limits';
import type { AppendBatch, AppendReply } from '../src/writer/append-call';
import { Appends, Transactions, type AppendsOptions } from '../src/writer/appends';

/** For appends of which nobody takes notes, with an append-only file. */
export function plainAppends(limits: PartitionLimits, transactions: Transactions): AppendsOptions {
  const ends = { reached: () => {}, doubted: () => {} };
  return { limits, transactions, reservation: '3000 4194304 8192', clock: systemClock, ends };
}

/** Appends in calls whose batches the test chooses; calls of one partition follow one another. */
export class AppendCalls {
  private readonly transactions: Transactions;
  private readonly byLog = new Map<string, { appends: Appends; line: Promise<unknown> }>();

  constructor(
    private readonly redis: RedisLink,
    private readonly limits: PartitionLimits = partitionLimits,
    private readonly reservation = '3000 4194304 8192',
  ) {
    this.transactions = new Transactions(redis.write);
  }

  /** One call; see `Appends.append`. */
  append(
    ref: PartitionRef,
    leadership: number,
    batches: readonly AppendBatch[],
  ): Promise<AppendReply> {
    const keys = partitionKeys(this.redis.keyPrefix, ref);
    let one = this.byLog.get(keys.log);
    if (one === undefined) {
      const { limits, transactions } = this;
      const appends = new Appends(keys, {
        ...plainAppends(limits, transactions),
        reservation: this.reservation,
      });
      this.byLog.set(keys.log, (one = { appends, line: Promise.resolve() }));
    }
    const { appends, line } = one;
    const terms = { leadership, confirmed: null };
    const reply = line.then(() => appends.append(this.redis.write, terms, batches));
    one.line = reply.catch(() => undefined);
    return reply;
  }
}
