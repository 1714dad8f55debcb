import type { Clock, Logger, Timer } from '@sluice/base';
import {
  attempt,
  isConnectionLoss,
  plainCommand,
  reconnectDelayMs,
  RedisReplyError,
  type BlockingConnection,
  type RedisLink,
} from '@sluice/redis';
import type { ConsumedPartition } from './consumed-partition';
import type { ConsumerLimits } from './consumer-limits';
import { PartitionReads, type StreamRow } from './partition-reads';

/** What reading needs. */
export interface ReadLoopParts {
  redis: Pick<
    RedisLink,
    'status' | 'openBlockingConnection' | 'onReady' | 'isCluster' | 'write' | 'subscribe'
  >;
  group: string;
  memberId: string;
  limits: ConsumerLimits;
  clock: Clock;
  log: Logger;
  /** Redis has answered, or does not. */
  onWord: (isThere: boolean) => void;
}

/**
 * Reads new entries of all partitions that may take some, with one XREADGROUP at a time, on a
 * connection of its own. It waits in Redis, so what is appended is here at once; when another
 * partition may be read meanwhile, the wait is ended.
 */
export class ReadLoop {
  private readonly blocking: BlockingConnection;
  /** In a Redis Cluster, in place of one read of all partitions. */
  private readonly each: PartitionReads | null;
  private readonly partitions = new Map<string, ConsumedPartition>();
  private readonly unlisten: () => void;
  /** Bytes that all partitions hold. */
  private heldBytes = 0;
  private isOut = false;
  /** The partitions that the read asks for which is out. */
  private asked: ReadonlySet<ConsumedPartition> = new Set();
  private isEnded = false;
  private failures = 0;
  private wakeUp: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private answered: (() => void)[] = [];

  constructor(private readonly parts: ReadLoopParts) {
    this.blocking = parts.redis.openBlockingConnection('');
    this.each = parts.redis.isCluster ? new PartitionReads(parts.redis, parts.clock) : null;
    this.unlisten = parts.redis.onReady(() => this.wakeUp?.());
    this.blocking.redis.on('ready', () => this.wakeUp?.());
  }

  start(): void {
    this.running = this.run();
  }

  add(partition: ConsumedPartition): void {
    this.partitions.set(partition.key, partition);
    this.each?.add(partition);
  }

  remove(partition: ConsumedPartition): void {
    if (this.partitions.get(partition.key) !== partition) return;
    this.partitions.delete(partition.key);
    this.each?.remove(partition);
  }

  /** More, or less, is held. */
  held(bytes: number): void {
    const { heldBytesMax } = this.parts.limits;
    const wasFull = this.heldBytes > heldBytesMax;
    this.heldBytes += bytes;
    if (wasFull && this.heldBytes <= heldBytesMax) this.readable();
  }

  /** A partition may be read that the read that is out, if one is, does not ask for. */
  readable(): void {
    this.wakeUp?.();
    if (!this.isOut) return;
    for (const partition of this.partitions.values()) {
      if (!this.asked.has(partition) && this.mayRead(partition)) return this.wake();
    }
  }

  /** Resolves when no read is out that asks for what is not to be read now. */
  async settled(partition: ConsumedPartition): Promise<void> {
    if (!this.isOut || !this.asked.has(partition)) return;
    const settled = new Promise<void>((resolve) => this.answered.push(resolve));
    this.wake();
    await settled;
  }

  /** Reads nothing more; what is out is broken off. */
  async end(): Promise<void> {
    this.isEnded = true;
    this.unlisten();
    this.wakeUp?.();
    this.each?.end();
    await this.blocking.close();
    await this.running;
  }

  private wake(): void {
    if (this.each !== null) return this.each.wake();
    const { asked } = this;
    this.blocking.wake(() => this.isOut && this.asked === asked);
  }

  private mayRead(partition: ConsumedPartition): boolean {
    if (!partition.isReadable) return false;
    return this.heldBytes <= this.parts.limits.heldBytesMax || partition.heldBytes === 0;
  }

  private async run(): Promise<void> {
    while (!this.isEnded) {
      const wanted = [...this.partitions.values()].filter((one) => this.mayRead(one));
      if (wanted.length === 0 || !this.isUsable) await this.sleep(this.isUsable ? null : 1);
      else await this.read(wanted);
    }
  }

  private get isUsable(): boolean {
    // What is on other servers can be read while one is away.
    if (this.each !== null) return true;
    return this.blocking.isReady && this.parts.redis.status().connected;
  }

  private async read(wanted: readonly ConsumedPartition[]): Promise<void> {
    this.asked = new Set(wanted);
    this.isOut = true;
    let rows: StreamRow[] | null = null;
    let failure: unknown = null;
    try {
      rows = await this.ask(wanted);
      this.failures = 0;
    } catch (error) {
      failure = error;
    }
    this.isOut = false;
    for (const resolve of this.answered.splice(0)) resolve();
    if (this.isEnded) return;
    if (failure !== null) return this.failed(failure, wanted);
    this.parts.onWord(true);
    if (rows === null) return;
    for (const [key, entries] of rows) this.partitions.get(key.toString())?.received(entries);
    // What handlers answer at once goes to Redis before the next read, which nobody waits for.
    await new Promise((resolve) => setImmediate(resolve));
  }

  private ask(wanted: readonly ConsumedPartition[]): Promise<StreamRow[] | null> {
    const { group, memberId, limits } = this.parts;
    const { readBytesMax, readEntriesMax } = limits;
    let entryBytes = 1;
    for (const { likelyEntryBytes } of wanted) entryBytes = Math.max(entryBytes, likelyEntryBytes);
    const fitting = Math.floor(readBytesMax / (entryBytes * wanted.length));
    const count = Math.max(1, Math.min(readEntriesMax, fitting));
    if (this.each !== null) return this.each.read(wanted, { group, memberId, count });
    const { blocking } = this;
    const blockMs = String(blocking.blockMsMax);
    const args = ['GROUP', group, memberId, 'COUNT', String(count), 'BLOCK', blockMs, 'STREAMS'];
    for (const { key } of wanted) args.push(key);
    for (let left = wanted.length; left > 0; left--) args.push('>');
    const reading = plainCommand(blocking.redis, 'xreadgroup', args);
    return attempt('streams/read', reading) as Promise<StreamRow[] | null>;
  }

  private async failed(error: unknown, wanted: readonly ConsumedPartition[]): Promise<void> {
    if (error instanceof RedisReplyError && error.code === 'NOGROUP') {
      // Redis does not say which; to claim one that is there does no harm.
      for (const partition of wanted) partition.claimAgain();
      return this.sleep(++this.failures > 1 ? this.failures : null);
    }
    this.parts.onWord(false);
    if (this.failures++ === 0 && !isConnectionLoss(error)) {
      const { message } = error as Error;
      this.parts.log.warn('reading failed; it is tried again', { error: message });
    }
    await this.sleep(this.failures);
  }

  /** Until something has changed; after failures in a row no longer than so many ask for. */
  private sleep(failures: number | null): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      this.wakeUp = () => {
        this.wakeUp = null;
        timer?.cancel();
        resolve();
      };
      if (failures !== null) {
        timer = this.parts.clock.setTimer(reconnectDelayMs(failures), () => this.wakeUp?.());
      }
    });
  }
}
