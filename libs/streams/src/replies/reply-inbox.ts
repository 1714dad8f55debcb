import { Periodic, type Timer } from '@sluice/base';
import { replyChannel, replyKey } from '@sluice/log';
import {
  attempt,
  plainCommand,
  RedisUnavailable,
  type BlockingConnection,
  type RedisLink,
  type Unsubscribe,
} from '@sluice/redis';
import type { StreamsPorts } from '../connection/streams-connection';
import { decodeWord } from './answer-word';
import { repliesLimits } from './replies-limits';
import { decodeReply, type Reply } from './reply';
import { keepRepliesScript } from './scripts';

/** What an inbox tells, and asks. None may throw. */
export interface ReplyListener {
  /** Answers come in the order in which they were sent. */
  onReply(reply: Reply): void;
  /** Answers to what was asked before may have been lost, and will not come then. */
  onLost(reason: string): void;
  /** Whether an answer is waited for. Left out: always. */
  isAwaited?(): boolean;
}

type ReadEntries = [key: Buffer, entries: [id: Buffer, fields: Buffer[] | null][]][];

/**
 * Where the answers to one client's requests come in: a stream of its own, which keeps what a
 * broken connection would lose, and a channel of its own, on which an answer is published as soon
 * as it is in the stream. As a rule the word brings the answer. The stream is looked at when there
 * may be more in it than words have brought: after a break, for an answer that is too large for a
 * word, and now and then. From when a look is due until it has found all, words are only reasons to
 * look once more, so that answers keep their order.
 */
export class ReplyInbox {
  /** What a request has to carry, for answers to come here. */
  readonly address: string;
  readonly #key: string;
  readonly #periodics: readonly [keep: Periodic, look: Periodic];
  readonly #blocking: BlockingConnection;
  readonly #unlisten: () => void;
  #unsubscribe: Unsubscribe | null = null;
  /** Nobody may tell of answers here: the stream is read all the time. */
  #isUntold = false;
  #lastId = '0';
  /** What was read up to here is removed. */
  #trimmedId = '0';
  /** Answers that words have brought and that are in the stream behind `#lastId`. */
  readonly #known = new Set<string>();
  /** The stream is to be read before words count again. */
  #isLooking = false;
  /** There may be more in the stream than the read that is out brings. */
  #isDue = false;
  #closing: Promise<void> | null = null;
  #running: Promise<void> | null = null;
  #endPause: (() => void) | null = null;

  private constructor(
    private readonly redis: RedisLink,
    private readonly ports: Pick<StreamsPorts, 'clock' | 'log' | 'random'>,
    private readonly listener: ReplyListener,
  ) {
    this.address = ports.random.uuid();
    this.#key = replyKey(redis.keyPrefix, this.address);
    const { keepEveryMs, lookEveryMs } = repliesLimits;
    const keep = new Periodic({
      ...ports,
      name: 'keeping the stream of answers',
      everyMs: keepEveryMs,
      run: () => this.#keepStream(),
    });
    const look = new Periodic({
      ...ports,
      name: 'a look at the stream of answers',
      everyMs: lookEveryMs,
      run: () => this.#lookIfAwaited(),
    });
    this.#periodics = [keep, look];
    this.#blocking = redis.openBlockingConnection(this.#key);
    this.#unlisten = redis.onReady(({ historyChanged }) => {
      if (historyChanged) this.listener.onLost('Redis has come back without its last writes');
      keep.runSoon();
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
      await inbox.#subscribe();
    } catch (error) {
      await inbox.close();
      throw error;
    }
    for (const periodic of inbox.#periodics) periodic.start();
    inbox.#running = inbox.#run();
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
    const stopped = this.#periodics.map((periodic) => periodic.stop());
    await Promise.all([...stopped, this.#blocking.close(), this.#running]);
    await this.#unsubscribe?.();
    // Where it cannot be removed now, it goes by itself.
    await this.redis.write.unlink(this.#key).catch(() => undefined);
  }

  async #keepStream(): Promise<void> {
    const { streamTtlMs: ttlMs } = repliesLimits;
    const reply = await keepRepliesScript.call(this.redis.write, { replies: this.#key }, { ttlMs });
    if (reply.tag === 'kept') return;
    const isFirst = this.#lastId === '0';
    this.#lastId = this.#trimmedId = reply.id;
    if (!isFirst) this.listener.onLost('the stream of answers was gone');
  }

  async #subscribe(): Promise<void> {
    const channel = replyChannel(this.redis.keyPrefix, this.address);
    const onWord = (word: Buffer): void => this.#heard(word);
    const onResubscribed = (): void => this.#lookSoon();
    try {
      this.#unsubscribe = await this.redis.subscribeBytes(channel, onWord, { onResubscribed });
    } catch (error) {
      if (!(error instanceof RedisUnavailable && error.reason === 'denied')) throw error;
      this.#isUntold = true;
    }
  }

  #heard(word: Buffer): void {
    if (this.#closing !== null) return;
    const reply = this.#isLooking ? null : decodeWord(word);
    if (reply === null) return this.#lookSoon();
    this.#known.add(nameOf(reply));
    this.listener.onReply(reply);
    // What is read, or known from words, is removed now and then.
    if (this.#known.size >= repliesLimits.trimEveryEntries) this.#lookSoon();
  }

  #lookIfAwaited(): void {
    if (this.listener.isAwaited?.() ?? true) this.#lookSoon();
  }

  #lookSoon(): void {
    this.#isLooking = true;
    this.#isDue = true;
    this.#endPause?.();
  }

  async #run(): Promise<void> {
    while (this.#closing === null) {
      if (!this.#isLooking && !this.#isUntold) await this.#pause(null);
      else await this.#look();
    }
  }

  async #look(): Promise<void> {
    this.#isDue = false;
    let found: ReadEntries[number][1];
    try {
      found = await this.#read();
    } catch (error) {
      if (this.#closing !== null) return;
      this.ports.log.debug('answers could not be read', { error: (error as Error).message });
      return this.#pause(repliesLimits.readRetryMs);
    }
    for (const [id, fields] of found) {
      this.#lastId = id.toString('latin1');
      const reply = fields && decodeReply(fields);
      if (reply && !this.#known.delete(nameOf(reply))) this.listener.onReply(reply);
    }
    if (this.#lastId !== this.#trimmedId) this.#trim();
    if (this.#isDue || found.length === repliesLimits.readEntriesMax) return;
    // What is known and was not there had to make room.
    this.#known.clear();
    this.#isLooking = false;
  }

  async #read(): Promise<ReadEntries[number][1]> {
    const { redis: connection, blockMsMax } = this.#blocking;
    const terms = ['COUNT', String(repliesLimits.readEntriesMax)];
    if (this.#isUntold) terms.push('BLOCK', String(blockMsMax));
    const args = [...terms, 'STREAMS', this.#key, this.#lastId];
    const asked = plainCommand(connection, 'xread', args);
    const found = (await attempt('streams.replies', asked)) as ReadEntries | null;
    return found?.[0]?.[1] ?? [];
  }

  #trim(): void {
    const { write } = this.redis;
    const before = this.#trimmedId;
    this.#trimmedId = this.#lastId;
    // Where it fails it is tried again with the next look.
    write.xtrim(this.#key, 'MINID', '~', this.#lastId).catch(() => (this.#trimmedId = before));
  }

  /** Until it is ended, or as long as that. */
  #pause(forMs: number | null): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = (): void => {
        timer?.cancel();
        this.#endPause = null;
        resolve();
      };
      if (forMs !== null) timer = this.ports.clock.setTimer(forMs, end);
      this.#endPause = end;
    });
  }
}

/** By what an answer is known again. One without a number comes by the stream alone. */
function nameOf({ correlationId, number }: Reply): string {
  return `${number ?? ''} ${correlationId}`;
}
