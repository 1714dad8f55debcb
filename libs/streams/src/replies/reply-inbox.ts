import { Periodic, type Timer } from '@sluice/base';
import { replyKey } from '@sluice/log';
import { attempt, plainCommand, type BlockingConnection, type RedisLink } from '@sluice/redis';
import type { StreamsPorts } from '../connection/streams-connection';
import { repliesLimits } from './replies-limits';
import { decodeReply, type Reply } from './reply';
import { keepRepliesScript } from './scripts';

/** What an inbox tells. Neither may throw. */
export interface ReplyListener {
  /** Answers come in the order in which they were sent. */
  onReply(reply: Reply): void;
  /** Answers to what was asked before may have been lost, and will not come then. */
  onLost(reason: string): void;
}

type ReadEntries = [key: Buffer, entries: [id: Buffer, fields: Buffer[] | null][]][];

/**
 * Where the answers to one client's requests come in: a stream of its own, read by a connection of
 * its own that waits for them. It outlives breaks of the connection.
 */
export class ReplyInbox {
  /** What a request has to carry, for answers to come here. */
  readonly address: string;
  readonly #key: string;
  readonly #keep: Periodic;
  readonly #blocking: BlockingConnection;
  readonly #unlisten: () => void;
  #lastId = '0';
  #readSinceTrim = 0;
  #closing: Promise<void> | null = null;
  #reading: Promise<void> | null = null;
  #endPause: (() => void) | null = null;

  private constructor(
    private readonly redis: RedisLink,
    private readonly ports: Pick<StreamsPorts, 'clock' | 'log' | 'random'>,
    private readonly listener: ReplyListener,
  ) {
    this.address = ports.random.uuid();
    this.#key = replyKey(redis.keyPrefix, this.address);
    this.#keep = new Periodic({
      ...ports,
      name: 'keeping the stream of answers',
      everyMs: repliesLimits.keepEveryMs,
      run: () => this.#keepStream(),
    });
    this.#blocking = redis.openBlockingConnection(this.#key);
    this.#unlisten = redis.onReady(({ historyChanged }) => {
      if (historyChanged) this.listener.onLost('Redis has come back without its last writes');
      this.#keep.runSoon();
    });
  }

  /** Opens an inbox. @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked */
  static async open(
    redis: RedisLink,
    ports: Pick<StreamsPorts, 'clock' | 'log' | 'random'>,
    listener: ReplyListener,
  ): Promise<ReplyInbox> {
    const inbox = new ReplyInbox(redis, ports, listener);
    try {
      await inbox.#keepStream();
    } catch (error) {
      await inbox.close();
      throw error;
    }
    inbox.#keep.start();
    inbox.#reading = inbox.#read();
    return inbox;
  }

  /** Takes no more answers, and removes the stream. Safe while Redis is away, and to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#unlisten();
    this.#endPause?.();
    await Promise.all([this.#keep.stop(), this.#blocking.close(), this.#reading]);
    // Where it cannot be removed now, it goes by itself.
    await this.redis.write.unlink(this.#key).catch(() => undefined);
  }

  async #keepStream(): Promise<void> {
    const { streamTtlMs: ttlMs } = repliesLimits;
    const reply = await keepRepliesScript.call(this.redis.write, { replies: this.#key }, { ttlMs });
    if (reply.tag === 'kept') return;
    const isFirst = this.#lastId === '0';
    this.#lastId = reply.id;
    if (!isFirst) this.listener.onLost('the stream of answers was gone');
  }

  async #read(): Promise<void> {
    while (this.#closing === null) {
      try {
        await this.#readOnce();
      } catch (error) {
        if (this.#closing !== null) return;
        this.ports.log.debug('answers could not be read', { error: (error as Error).message });
        await this.#pause();
      }
    }
  }

  async #readOnce(): Promise<void> {
    const { redis: connection, blockMsMax } = this.#blocking;
    const { readEntriesMax } = repliesLimits;
    const terms = ['COUNT', String(readEntriesMax), 'BLOCK', String(blockMsMax)];
    const args = [...terms, 'STREAMS', this.#key, this.#lastId];
    const asked = plainCommand(connection, 'xread', args);
    const found = (await attempt('streams.replies', asked)) as ReadEntries | null;
    if (found === null) return;
    for (const [id, fields] of found[0]?.[1] ?? []) {
      this.#lastId = id.toString('latin1');
      const reply = fields && decodeReply(fields);
      if (reply) this.listener.onReply(reply);
      this.#readSinceTrim++;
    }
    if (this.#readSinceTrim >= repliesLimits.trimEveryEntries) this.#trim();
    // What is asked next, by whoever has got an answer, goes to Redis before the next read.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #trim(): void {
    this.#readSinceTrim = 0;
    const trimmed = this.redis.write.xtrim(this.#key, 'MINID', '~', this.#lastId);
    // It is tried again after as many more.
    trimmed.catch(() => undefined);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#endPause = null;
        resolve();
      };
      const timer: Timer = this.ports.clock.setTimer(repliesLimits.readRetryMs, end);
      this.#endPause = end;
    });
  }
}
