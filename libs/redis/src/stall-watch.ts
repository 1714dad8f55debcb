import type { Clock, Timer } from '@sluice/base';

/** How often a connection is looked at, while it owes a reply, within the time that it may take. */
const looksPerStall = 4;

/** What is watched: a connection of ioredis. */
export interface Watched {
  /** Commands that were sent and are not answered. */
  readonly commandQueue: { readonly length: number };
  readonly stream: { readonly bytesRead: number; destroy(error: Error): unknown };
}

/**
 * Breaks a connection off that owes a reply and receives nothing, after `stallMs` and at most a
 * half of that. Time in which this process stood still does not count: what came then is still to
 * be read, and Node may run a timer that is late before it reads. ioredis' own `socketTimeout` sets
 * a timer and a listener for each command, and takes both back for each reply, which for a small
 * command is a good part of what it costs.
 */
export class StallWatch {
  #timer: Timer | null = null;
  #stream: Watched['stream'] | null = null;
  #bytesRead = 0;
  #lookedAtMs = 0;
  /** After how long it was to look again. */
  #lookAfterMs = 0;
  /** For how long nothing has come, as far as was looked. */
  #quietMs = 0;

  /** @param stallMs how long nothing may come; may be changed at any time */
  constructor(
    private readonly redis: Watched,
    public stallMs: number,
    private readonly clock: Pick<Clock, 'monotonicMs' | 'setTimer'>,
  ) {}

  /** To be called for each command that was sent. */
  sent(): void {
    if (this.#timer === null) this.#begin();
  }

  /** The connection is gone. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#stream = null;
  }

  #begin(): void {
    const { stream, commandQueue } = this.redis;
    if (commandQueue.length === 0) return;
    this.#stream = stream;
    this.#heard();
    this.#lookLater(this.clock.monotonicMs());
  }

  #heard(): void {
    this.#bytesRead = this.#stream!.bytesRead;
    this.#quietMs = 0;
  }

  #lookLater(nowMs: number): void {
    this.#lookedAtMs = nowMs;
    this.#lookAfterMs = this.stallMs / looksPerStall;
    this.#timer = this.clock.setTimer(this.#lookAfterMs, () => this.#look());
  }

  #look(): void {
    this.#timer = null;
    const { commandQueue, stream } = this.redis;
    if (commandQueue.length === 0) return;
    if (stream !== this.#stream) return this.#begin();
    const nowMs = this.clock.monotonicMs();
    if (stream.bytesRead !== this.#bytesRead) this.#heard();
    else this.#quietMs += Math.min(nowMs - this.#lookedAtMs, this.#lookAfterMs);
    if (this.#quietMs < this.stallMs) return this.#lookLater(nowMs);
    const message = `a reply is owed, and nothing has come for ${Math.round(this.#quietMs)} ms`;
    stream.destroy(new Error(message));
  }
}
