import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { CatalogLimits } from './catalog-limits';
import type { TopicRegistry } from './topic-registry';
import type { RegistryChange, TopicChange, TopicView } from './view';

interface FollowerDeps {
  redis: RedisLink;
  registry: TopicRegistry;
  view: TopicView;
  clock: Clock;
  log: Logger;
  limits: CatalogLimits;
  onChange: (change: TopicChange) => void;
}

/**
 * Keeps a view in step with the registry: by the notice that each change publishes, by reading all
 * anew when a notice is missing, by comparing versions now and then in case the last notice was
 * lost, and by reading all anew after Redis was away. While Redis is away the view stays as it was.
 */
export class TopicFollower {
  #stopped = false;
  /**
   * True when the view may be wrong although its version is right, so that it must be read anew.
   */
  #stale = true;
  #queued: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();
  readonly #poll: Periodic;
  readonly #undo: (() => unknown)[] = [];

  constructor(private readonly deps: FollowerDeps) {
    const { clock, log, limits } = deps;
    this.#poll = new Periodic({
      clock,
      log,
      name: 'the look for changed topics',
      everyMs: limits.pollMs,
      run: () => this.ensureFresh(),
      failureLevel: 'debug',
    });
  }

  /** Subscribes, and reads the registry once. */
  async start(): Promise<void> {
    const { redis, registry } = this.deps;
    const onNotice = (message: string) => this.#notice(message);
    const onResubscribed = () => this.#readSoon();
    const options = { onResubscribed };
    this.#undo.push(await redis.subscribe(registry.changesChannel, onNotice, options));
    // Redis may have come back with another history, in which the same version means something
    // else.
    this.#undo.push(redis.onReady(() => this.#readSoon()));
    await this.#ensureWhole();
    await this.refresh();
    this.#poll.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#poll.stop();
    await Promise.allSettled(this.#undo.map((undo) => undo()));
    await this.#running.catch(() => undefined);
  }

  /**
   * Reads the registry anew; what was written before this call is in the view when it ends. Calls
   * that come together share one reading.
   */
  refresh(): Promise<void> {
    this.#queued ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#queued = null;
        this.#running = this.#read();
        return this.#running;
      });
    return this.#queued;
  }

  /** Reads the registry anew if it is not the one in the view. */
  async ensureFresh(): Promise<void> {
    const version = await this.deps.registry.version();
    if (this.#stale || version !== this.deps.view.version) await this.refresh();
  }

  /**
   * Takes over a change that this process made, so that it sees it at once. Version 0: it is not
   * known which version the change made.
   */
  async accept(change: RegistryChange): Promise<void> {
    const changes = change.version > 0 ? this.deps.view.apply(change) : null;
    if (changes) return this.#emit(changes);
    this.#stale = true;
    // The change is made whether or not it can be read back now; the poll reads it later.
    await this.refresh().catch(() => undefined);
  }

  /** A Redis that is full or takes no writes is served all the same. */
  async #ensureWhole(): Promise<void> {
    const { registry, log } = this.deps;
    try {
      await registry.ensure();
    } catch (error) {
      const { message } = error as Error;
      log.debug('the keys of the registry were not made', { error: message });
    }
  }

  async #read(): Promise<void> {
    if (this.#stopped) return;
    const { registry, view } = this.deps;
    const versionBefore = view.version;
    this.#stale = true;
    const content = await registry.read();
    if (this.#stopped) return;
    // A notice that came in while this was read may have taken the view further than this.
    const overtaken = view.version !== versionBefore && content.version < view.version;
    if (overtaken) return void this.#readSoon();
    this.#stale = false;
    this.#emit(view.replace(content));
  }

  #notice(message: string): void {
    if (this.#stopped) return;
    const change = parseNotice(message);
    const changes = change && this.deps.view.apply(change);
    if (changes) this.#emit(changes);
    else this.#readSoon();
  }

  #readSoon(): void {
    if (this.#stopped) return;
    this.#stale = true;
    this.refresh().catch((error: Error) => {
      this.deps.log.debug('topics not read, trying again', { error: error.message });
    });
  }

  #emit(changes: TopicChange[]): void {
    for (const change of changes) this.deps.onChange(change);
  }
}

/** Reads a notice; null when it is not one. The topic goes back to the text that it was. */
function parseNotice(message: string): RegistryChange | null {
  try {
    const { version, field, topic } = JSON.parse(message) as {
      version: number;
      field: string;
      topic: unknown;
    };
    if (!Number.isInteger(version) || typeof field !== 'string') return null;
    return { version, field, text: topic === null ? null : JSON.stringify(topic) };
  } catch {
    return null;
  }
}
