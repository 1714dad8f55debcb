import type { ReplyFrame } from '../driver';
import { messageOf } from '../errors/error-report';
import type { StreamSerializer } from '../serialization/serialization';

/** An answer that is not a frame yet. */
interface Draft {
  hasValue: boolean;
  value: unknown;
  error: unknown;
  isLast: boolean;
}

/** Where the answers to one request go. */
export interface RepliesOptions {
  correlationId: string;
  topic: string;
  serializer: StreamSerializer;
  send: (frame: ReplyFrame) => Promise<void>;
  /** An answer could not be sent. Must not throw. */
  onFailure: (error: unknown) => void;
}

/** Answers that may wait to be sent. */
const draftsMax = 10_000;

/**
 * The answers to one request, in their order and one at a time. The last value and the end share a
 * frame where they come together. Once one is missing no other follows but an error: whoever asked
 * must not take some for all.
 */
export class Replies {
  readonly #drafts: Draft[] = [];
  #sending: Promise<void> | null = null;
  /** Ends the wait for what shares a frame with the first answer. */
  #begin: (() => void) | null = null;
  #count = 0;
  #frames = 0;
  /** Why answers are missing; null: none is. */
  #gap: string | null = null;

  constructor(private readonly options: RepliesOptions) {}

  /** Answers so far, the end not among them. */
  get count(): number {
    return this.#count;
  }

  next(value: unknown): void {
    this.#count++;
    if (this.#drafts.length >= draftsMax) this.#gap ??= `more than ${draftsMax} were to be sent`;
    if (this.#gap !== null) return;
    this.#push({ hasValue: true, value, error: null, isLast: false });
  }

  /** Resolves when everything was sent, or could not be. */
  async end(): Promise<void> {
    if (this.#gap !== null) return this.fail(missing(this.#gap));
    const last = this.#drafts.at(-1);
    if (last === undefined) this.#push({ hasValue: false, value: null, error: null, isLast: true });
    else last.isLast = true;
    this.#begin?.();
    await this.#sending;
  }

  /** As `end`, with an error. */
  async fail(error: unknown): Promise<void> {
    this.#push({ hasValue: false, value: null, error: error ?? 'unknown error', isLast: true });
    this.#begin?.();
    await this.#sending;
  }

  #push(draft: Draft): void {
    this.#drafts.push(draft);
    this.#sending ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    // What the same turn adds, the end after a single value above all, is waited for: a tick comes
    // when every promise that is settled has been dealt with. Behind the end nothing comes.
    await new Promise<void>((resolve) => {
      this.#begin = resolve;
      process.nextTick(resolve);
    });
    this.#begin = null;
    for (let draft = this.#drafts.shift(); draft !== undefined; draft = this.#drafts.shift()) {
      await this.#send(draft);
    }
    this.#sending = null;
  }

  async #send(made: Draft): Promise<void> {
    const { correlationId, send, onFailure } = this.options;
    const { isLast } = made;
    const isIncomplete = this.#gap !== null && made.error === null;
    if (isIncomplete && !isLast) return;
    const draft = isIncomplete ? { ...made, error: missing(this.#gap!) } : made;
    const number = this.#frames++;
    try {
      await send({ correlationId, ...(await this.#contents(draft)), isLast, number });
    } catch (error) {
      this.#gap ??= 'one could not be sent';
      onFailure(error);
    }
  }

  /** An answer that cannot be serialised is an error: whoever asked waits for something. */
  async #contents({ hasValue, value, error }: Draft): Promise<Pick<ReplyFrame, 'value' | 'error'>> {
    if (error !== null) return { value: null, error: errorBytes(error) };
    if (!hasValue) return { value: null, error: null };
    const { serializer, topic, onFailure } = this.options;
    try {
      return { value: await serializer.serialize(value, topic), error: null };
    } catch (failure) {
      onFailure(failure);
      const message = 'the answer cannot be serialised';
      return { value: null, error: errorBytes({ status: 'error', message }) };
    }
  }
}

function missing(gap: string): object {
  return { status: 'error', message: `answers are missing: ${gap}` };
}

/** An error as it is told to whoever asked. */
function errorBytes(error: unknown): Buffer {
  const isPlain = typeof error === 'object' && error !== null && !(error instanceof Error);
  const told =
    isPlain || typeof error === 'string' ? error : { status: 'error', message: messageOf(error) };
  try {
    return Buffer.from(JSON.stringify(told));
  } catch {
    return Buffer.from(JSON.stringify({ status: 'error', message: messageOf(error) }));
  }
}
