import type { RedisLink } from '@sluice/redis';
import { partitionKeys, type PartitionRef } from '../src/keys';
import { partitionLimits } from '../src/partition-limits';
import type { AppendBatch, AppendReply } from '../src/writer/append-call';
import { Appends, Transactions } from '../src/writer/appends';

/** Appends in calls whose batches the test chooses; calls of one partition follow one another. */
export class AppendCalls {
  private readonly transactions: Transactions;
  private readonly byLog = new Map<string, { appends: Appends; line: Promise<unknown> }>();

  constructor(
    private readonly redis: RedisLink,
    private readonly limits = partitionLimits as ConstructorParameters<typeof Appends>[1],
  ) {
    this.transactions = new Transactions(redis.write);
  }

  /** One call; see `Appends.append`. */
  append(
    ref: PartitionRef,
    leaderEpoch: number,
    batches: readonly AppendBatch[],
  ): Promise<AppendReply> {
    const keys = partitionKeys(this.redis.keyPrefix, ref);
    let one = this.byLog.get(keys.log);
    if (one === undefined) {
      const appends = new Appends(keys, this.limits, this.transactions);
      this.byLog.set(keys.log, (one = { appends, line: Promise.resolve() }));
    }
    const { appends, line } = one;
    const terms = { leaderEpoch, confirm: false };
    const reply = line.then(() => appends.append(this.redis.write, terms, batches));
    one.line = reply.catch(() => undefined);
    return reply;
  }
}
