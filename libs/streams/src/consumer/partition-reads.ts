import type { Clock, Timer } from '@sluice/base';
import { attempt, RedisReplyError, type RedisLink, type Unsubscribe } from '@sluice/redis';
import type { ConsumedPartition } from './consumed-partition';
import type { EntryRow } from './intake';

/** Entries of a stream. */
export type StreamRow = [key: Buffer, entries: EntryRow[]];

/** Where there is nothing new, and no word of something new comes, it is looked at this often. */
const lookEveryMs = 2_000;

/** What one read asks for. */
export interface ReadTerms {
  group: string;
  memberId: string;
  /** Entries of each stream. */
  count: number;
}

/**
 * Reads new entries in a Redis Cluster, where one command reads one partition: all are asked for at
 * the same time and none waits in Redis. When there is nothing, it is waited for the word that
 * something was appended, on the channels on which the partitions' wake-ups are.
 */
export class PartitionReads {
  readonly #listening = new Map<ConsumedPartition, Promise<Unsubscribe | null>>();
  #hasNews = false;
  #endWait: (() => void) | null = null;

  constructor(
    private readonly redis: Pick<RedisLink, 'write' | 'subscribe'>,
    private readonly clock: Clock,
  ) {}

  add(partition: ConsumedPartition): void {
    const { wake } = partition.parts.delivery.keys;
    const news = (): void => this.wake();
    const listening = this.redis.subscribe(wake, news, { onResubscribed: news });
    // Without it the partition is looked at now and then.
    this.#listening.set(
      partition,
      listening.catch(() => null),
    );
  }

  remove(partition: ConsumedPartition): void {
    const listening = this.#listening.get(partition);
    this.#listening.delete(partition);
    void listening?.then((unsubscribe) => unsubscribe?.());
  }

  /** Something is new: a wait ends, or the next one does not begin. */
  wake(): void {
    this.#hasNews = true;
    this.#endWait?.();
  }

  /**
   * What is new of these partitions; null when there was nothing, and something may be new now.
   *
   * @throws as a command, where no partition could be read
   */
  async read(wanted: readonly ConsumedPartition[], terms: ReadTerms): Promise<StreamRow[] | null> {
    this.#hasNews = false;
    const asked = await Promise.allSettled(wanted.map((one) => this.#readOne(one, terms)));
    const rows: StreamRow[] = [];
    let failure: unknown = null;
    for (const [index, one] of asked.entries()) {
      if (one.status === 'fulfilled') {
        rows.push(...(one.value ?? []));
        continue;
      }
      failure = one.reason;
      const isGone = one.reason instanceof RedisReplyError && one.reason.code === 'NOGROUP';
      if (isGone) wanted[index]!.claimAgain();
    }
    if (rows.length > 0) return rows;
    if (asked.every(({ status }) => status === 'rejected')) throw failure;
    await this.#wait();
    return null;
  }

  end(): void {
    this.wake();
    for (const partition of this.#listening.keys()) this.remove(partition);
  }

  #readOne({ key }: ConsumedPartition, { group, memberId, count }: ReadTerms) {
    const { write } = this.redis;
    const reading = write.xreadgroupBuffer(
      ...(['GROUP', group, memberId, 'COUNT', count] as const),
      ...(['STREAMS', key, '>'] as const),
    );
    return attempt('streams/read', reading) as Promise<StreamRow[] | null>;
  }

  #wait(): Promise<void> {
    if (this.#hasNews) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#endWait = null;
        resolve();
      };
      const timer: Timer = this.clock.setTimer(lookEveryMs, end);
      this.#endWait = end;
    });
  }
}
