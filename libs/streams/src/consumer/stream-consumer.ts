import { defaultGroupLimits, MemberSession, type MemberListener } from '@sluice/groups';
import type {
  ConsumerHealth,
  ConsumerSettings,
  ConsumerStatus,
  PartitionName,
  PartitionSelector,
  RecordConsumer,
  RecordSink,
  SeekTarget,
} from '../api';
import type { ConnectedLog, StreamsConnection } from '../connection/streams-connection';
import { NotOwned } from './consumer-errors';
import { consumerLimits } from './consumer-limits';
import { GroupReader } from './group-reader';
import { ConsumerListeners } from './listeners';

/** For the last acknowledgements and the last commit after the drain. */
const revokeMarginMs = 3 * consumerLimits.lastWordMs;

/**
 * Reads records straight from Redis as a member of a consumer group, whose members share out the
 * partitions. It may be made before its connection stands. See docs/architecture.md, "Reading as a
 * NestJS member".
 */
export class StreamConsumer implements RecordConsumer {
  #reader: GroupReader | null = null;
  #starting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  /** Takes it from those who are closed with the connection. */
  readonly #letGo: () => void;
  #problem: string | null = null;
  readonly #pauses: { paused: boolean; selectors: readonly PartitionSelector[] }[] = [];
  readonly #listeners = new ConsumerListeners();

  constructor(
    private readonly connection: StreamsConnection,
    private readonly settings: ConsumerSettings,
    private readonly sink: RecordSink,
  ) {
    const { drainMs = consumerLimits.drainMs } = settings;
    const stopMsMax = drainMs + 2 * consumerLimits.lastWordMs;
    this.#letGo = connection.own({ name: 'a consumer', stop: () => this.close(), stopMsMax });
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  close(drainMs?: number): Promise<void> {
    this.#closing ??= this.#close(drainMs).finally(this.#letGo);
    return this.#closing;
  }

  pause(selectors: readonly PartitionSelector[]): void {
    if (this.#reader !== null) this.#reader.pause(selectors);
    else this.#pauses.push({ paused: true, selectors });
  }

  resume(selectors: readonly PartitionSelector[]): void {
    if (this.#reader !== null) this.#reader.resume(selectors);
    else this.#pauses.push({ paused: false, selectors });
  }

  async seek(selector: PartitionSelector, target: SeekTarget): Promise<void> {
    if (this.#reader === null) throw new NotOwned(selector.topic, null);
    await this.#reader.seek(selector, target);
  }

  health(): ConsumerHealth {
    if (this.#reader !== null) return this.#reader.health();
    const isStarting = this.#starting !== null && this.#closing === null;
    const status = this.#problem !== null ? 'failed' : isStarting ? 'joining' : 'stopped';
    const { group } = this.settings;
    const problem = this.#problem;
    return { status, group, memberId: '', problem, silentMs: 0, partitions: [] };
  }

  onStatus(listener: (status: ConsumerStatus) => void): () => void {
    return this.#listeners.status.add(listener);
  }

  onAssigned(listener: (partitions: readonly PartitionName[]) => void): () => void {
    return this.#listeners.assigned.add(listener);
  }

  onRevoked(listener: (partitions: readonly PartitionName[]) => void): () => void {
    return this.#listeners.revoked.add(listener);
  }

  async #start(): Promise<void> {
    this.#listeners.status.tell('joining');
    try {
      const log = await this.connection.connect();
      if (this.#closing === null) await this.#read(log);
    } catch (error) {
      this.#problem = (error as Error).message;
      if (this.#reader === null) this.#listeners.status.tell('failed');
      throw error;
    }
  }

  async #read(log: ConnectedLog): Promise<void> {
    const { clock, log: lines } = this.connection.ports;
    const { redis, store, confirming } = log;
    const newSession = (listener: MemberListener): MemberSession => this.#session(log, listener);
    const listeners = this.#listeners;
    const deps = { redis, store, confirming, clock, log: lines, newSession, listeners };
    const reader = new GroupReader(deps, this.settings, this.sink);
    this.#reader = reader;
    for (const { paused, selectors } of this.#pauses.splice(0)) {
      if (paused) reader.pause(selectors);
      else reader.resume(selectors);
    }
    await reader.start();
  }

  #session({ redis, catalog: topics }: ConnectedLog, listener: MemberListener): MemberSession {
    const { clock, log, random } = this.connection.ports;
    const { group: groupId, drainMs = consumerLimits.drainMs, ...settings } = this.settings;
    // A member that takes all the time that it has to drain is not thrown out for it.
    const { revokeTimeoutMs: usualMs } = defaultGroupLimits;
    const revokeTimeoutMs = Math.max(usualMs, drainMs + revokeMarginMs);
    const deps = { redis, topics, clock, random, log };
    return new MemberSession(deps, { ...settings, groupId, revokeTimeoutMs }, listener);
  }

  async #close(drainMs?: number): Promise<void> {
    if (this.#reader !== null) return this.#reader.close(drainMs);
    this.#listeners.status.tell('stopped');
  }
}
