import type { JobConnection, RedisLink } from '@sluice/redis';
import { loadBullmq, type StreamQueue } from './bullmq';
import { queuePrefix } from './keys';

/** A queue that is asked now and then, over a connection that is made for the first question. */
export class AskedQueue {
  #opening: Promise<StreamQueue> | null = null;
  #connection: JobConnection | null = null;

  constructor(
    private readonly redis: RedisLink,
    private readonly name: string,
  ) {}

  /** BullMQ's own. */
  get(): Promise<StreamQueue> {
    return (this.#opening ??= this.#open());
  }

  async close(): Promise<void> {
    const queue = await this.#opening;
    // BullMQ would wait for a connection that may never come.
    const closing = queue?.close().catch(() => undefined);
    await this.#connection?.close();
    await closing;
  }

  async #open(): Promise<StreamQueue> {
    const { Queue: BullQueue } = await loadBullmq();
    const { redis, name } = this;
    const prefix = queuePrefix(redis.keyPrefix, name);
    this.#connection = redis.openJobConnection('ask', prefix);
    const connection = this.#connection.redis;
    const queue: StreamQueue = new BullQueue(name, { connection, prefix, skipMetasUpdate: true });
    queue.on('error', () => undefined);
    return queue;
  }
}
