import type { Redis } from 'ioredis';
import { attempt, classify, RedisUnavailable, UnknownOutcome } from './errors';
import type { Logger } from '@sluice/base';
import { redisLimits } from './options';

/** Called with each message of a channel. */
export type MessageListener = (message: string) => void;

/** As `MessageListener`, for messages that are no text. */
export type BytesListener = (message: Buffer) => void;

/** Takes a subscription back. */
export type Unsubscribe = () => Promise<void>;

/** Settings of one subscription. */
export interface SubscribeOptions {
  /**
   * Called after a reconnect, once the channel is subscribed again: messages may have been missed.
   */
  onResubscribed?: () => void;
}

interface Subscription {
  /** Whose it is now. */
  owner: Subscriber;
  listener: BytesListener;
  onResubscribed: (() => void) | undefined;
}

/** Channel subscriptions on a connection of their own, which outlive its breaks. */
export class Subscriber {
  readonly #channels = new Map<string, Set<Subscription>>();

  constructor(
    private readonly redis: Redis,
    private readonly log: Logger,
  ) {}

  /**
   * To be called once the connection is ready: what was subscribed before is sent now, and each
   * later `ready` is a reconnect.
   */
  start(): void {
    const { redis } = this;
    redis.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      this.#deliver(channel.toString(), message);
    });
    redis.on('ready', () => void this.#resubscribe(this.#channels.keys()));
    void this.#resubscribe(this.#channels.keys());
  }

  /**
   * Listens to a channel. Resolves once Redis has confirmed it; while there is no connection, at
   * once, and the channel is subscribed as soon as there is one.
   *
   * @throws RedisUnavailable 'denied' when the user may not read the channel
   */
  async subscribe(
    channel: string,
    listener: BytesListener,
    options: SubscribeOptions = {},
  ): Promise<Unsubscribe> {
    const subscription = { owner: this, listener, onResubscribed: options.onResubscribed };
    const others = this.#channels.get(channel);
    if (others === undefined) this.#channels.set(channel, new Set([subscription]));
    else others.add(subscription);
    try {
      // Sent even when others listen already: their confirmation may still be outstanding.
      if (this.redis.status === 'ready') await attempt('SUBSCRIBE', this.redis.subscribe(channel));
    } catch (error) {
      const waits = error instanceof UnknownOutcome || isDisconnected(error);
      if (!waits) {
        subscription.owner.#forget(channel, subscription);
        throw error;
      }
    }
    return () => subscription.owner.#unsubscribe(channel, subscription);
  }

  /**
   * Hands each subscription over to another connection, as this one is about to end. Messages may
   * be missed meanwhile, so it is told like a reconnect.
   */
  handOver(heirOf: (channel: string) => Subscriber): void {
    const byHeir = new Map<Subscriber, string[]>();
    for (const [channel, subscriptions] of this.#channels) {
      const heir = heirOf(channel);
      const all = heir.#channels.get(channel) ?? new Set();
      heir.#channels.set(channel, all);
      for (const subscription of subscriptions) {
        subscription.owner = heir;
        all.add(subscription);
      }
      byHeir.set(heir, [...(byHeir.get(heir) ?? []), channel]);
    }
    this.#channels.clear();
    for (const [heir, channels] of byHeir) void heir.#resubscribe(channels);
  }

  async #unsubscribe(channel: string, subscription: Subscription): Promise<void> {
    const last = this.#forget(channel, subscription);
    if (!last || this.redis.status !== 'ready') return;
    try {
      await this.redis.unsubscribe(channel);
    } catch (error) {
      // The connection broke, and the next one will not subscribe this channel again.
      this.log.debug('Redis unsubscribe failed', { channel, error: classify(error).message });
    }
  }

  /** Returns true when no other listener of the channel is left. */
  #forget(channel: string, subscription: Subscription): boolean {
    const all = this.#channels.get(channel);
    if (all === undefined || !all.delete(subscription)) return false;
    if (all.size > 0) return false;
    this.#channels.delete(channel);
    return true;
  }

  #deliver(channel: string, message: Buffer): void {
    const subscriptions = this.#channels.get(channel);
    if (subscriptions === undefined) return;
    for (const { listener } of subscriptions) listener(message);
  }

  /** Where there is no connection, the next one has all subscribed. */
  async #resubscribe(given: Iterable<string>): Promise<void> {
    if (this.redis.status !== 'ready') return;
    const channels = [...given];
    try {
      for (let at = 0; at < channels.length; at += redisLimits.channelsPerSubscribeMax) {
        const some = channels.slice(at, at + redisLimits.channelsPerSubscribeMax);
        await attempt('SUBSCRIBE', this.redis.subscribe(...some));
        this.#announce(some);
      }
    } catch (error) {
      // A broken connection is followed by another `ready`, and all is subscribed then.
      this.log.warn('Redis resubscribe failed', { error: (error as Error).message });
      if (!isDisconnected(error) && !(error instanceof UnknownOutcome)) this.redis.disconnect(true);
    }
  }

  #announce(channels: readonly string[]): void {
    for (const channel of channels) {
      for (const { onResubscribed } of this.#channels.get(channel) ?? []) onResubscribed?.();
    }
  }
}

function isDisconnected(error: unknown): boolean {
  return error instanceof RedisUnavailable && error.reason === 'disconnected';
}
