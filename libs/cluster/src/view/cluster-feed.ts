import { Periodic, type Clock, type Logger, type Timer } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { ClusterChange } from '../api';
import type { ClusterLimits } from '../limits';
import type { Beat, ClusterStore } from '../store/cluster-store';
import { parseNotice, versionOf, type ClusterNotice } from '../store/notice';
import type { StoredLeaders } from '../store/stored-leaders';
import { ClusterState, isNothing } from './cluster-state';
import { until } from './until';

/** What keeps a view in step works with. */
export interface ClusterFeedDeps {
  redis: RedisLink;
  store: ClusterStore;
  clock: Clock;
  log: Logger;
  limits: ClusterLimits;
}

/** A notice takes another connection than the heartbeat's answer, and may come a little later. */
const noticeLateMs = 100;

/**
 * Keeps what is known of the cluster in step with Redis: by the notice that each change publishes,
 * by reading all anew when one is missing or Redis was away, and by comparing with what each
 * heartbeat finds. While Redis is away everything stays as it was.
 */
export class ClusterFeed {
  readonly state = new ClusterState();
  readonly #listeners = new Set<(change: ClusterChange) => void>();
  readonly #undo: (() => unknown)[] = [];
  readonly #fullReads: Periodic;
  #isStopped = false;
  #isStale = true;
  #queued: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();
  #look: Timer | null = null;
  /** The version of the last change that this gateway has made. */
  #ownVersion = -1;

  constructor(private readonly deps: ClusterFeedDeps) {
    const { clock, log, limits } = deps;
    this.#fullReads = new Periodic({
      clock,
      log,
      name: 'reading the whole cluster',
      everyMs: limits.fullReadEveryMs,
      run: () => this.refresh(),
      failureLevel: 'debug',
    });
  }

  /** Calls the listener after each change; returns what takes it back. */
  onChange(listener: (change: ClusterChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Subscribes; nothing is known before the first `refresh`. */
  async start(): Promise<void> {
    const { redis, store } = this.deps;
    const onResubscribed = (): void => this.readSoon();
    const onMessage = (message: string): void => this.#notice(message);
    this.#undo.push(await redis.subscribe(store.channel, onMessage, { onResubscribed }));
    // Another history may have other things under the same version.
    this.#undo.push(redis.onReady(() => this.readSoon()));
    this.#fullReads.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#look?.cancel();
    await this.#fullReads.stop();
    await Promise.allSettled(this.#undo.map((undo) => undo()));
    await this.#running.catch(() => undefined);
  }

  /**
   * Reads everything anew; what was written before this call is known when it ends. Calls that come
   * together share one reading.
   *
   * @throws RedisUnavailable | UnknownOutcome
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

  /** Reads everything anew, and again until it has worked. */
  readSoon(): void {
    if (this.#isStopped) return;
    this.#isStale = true;
    this.refresh().catch((error: Error) => {
      const { clock, log, limits } = this.deps;
      log.debug('the cluster was not read, trying again', { error: error.message });
      this.#look?.cancel();
      this.#look = clock.setTimer(limits.readRetryMs, () => {
        if (this.#isStale) this.readSoon();
      });
    });
  }

  /**
   * Compares with what a heartbeat has found.
   *
   * @param knownVersion the version that was known when it was sent
   */
  compare({ version, leaderCount, controllerId }: Beat, knownVersion: number): void {
    const { state } = this;
    if (version >= state.version && state.setController(controllerId)) {
      this.#emit({ topics: new Set(), coordinators: false, brokers: true });
    }
    const wentBack = version < knownVersion;
    const lacksSome = version === state.version && leaderCount !== state.leaderCount;
    if (wentBack || lacksSome) return this.readSoon();
    if (version <= state.version) return;
    this.#look?.cancel();
    this.#look = this.deps.clock.setTimer(noticeLateMs, () => {
      if (this.#isStale || state.version < version) this.readSoon();
    });
  }

  /**
   * Takes over a change that this gateway has made, before its notice comes. Where it follows one
   * of another, the notices of both are on their way.
   *
   * @param decoded what the texts were made from
   */
  acceptOwn(notice: ClusterNotice, decoded?: ReadonlyMap<string, StoredLeaders>): void {
    if (this.#isStopped) return;
    this.#ownVersion = notice.version;
    const change = this.state.apply(notice, decoded);
    if (change) this.#emit(change);
  }

  /**
   * Waits until the last change that this gateway has made is known here. Where it follows one of
   * another it is known with the notices of both, or by a reading when these do not come.
   *
   * @throws as `refresh`
   */
  async untilOwnKnown(): Promise<void> {
    const isKnown = (): boolean => this.#isStopped || this.state.version >= this.#ownVersion;
    if (!(await until(this, this.deps.clock, noticeLateMs, isKnown))) await this.refresh();
  }

  #notice(message: string): void {
    // It is known already where this gateway has made the change.
    if (this.#isStopped || versionOf(message) <= this.state.version) return;
    const notice = parseNotice(message);
    const change = notice === null ? null : this.state.apply(notice);
    if (change === null) this.readSoon();
    else if (change !== undefined) this.#emit(change);
  }

  async #read(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStale = true;
    const { state } = this;
    const before = state.version;
    const content = await this.deps.store.read();
    if (this.#isStopped) return;
    // A notice that came in meanwhile may have taken it further than this.
    if (state.version !== before && content.version < state.version) return this.readSoon();
    this.#isStale = false;
    // Redis has lost its last changes, of which some may be this gateway's.
    if (content.version < before) this.#ownVersion = -1;
    this.#emit(state.replace(content));
  }

  #emit(change: ClusterChange): void {
    if (isNothing(change)) return;
    for (const listener of this.#listeners) listener(change);
  }
}
