import { Periodic, TroubleLog, type Clock, type Logger } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type {
  ConsumedRecord,
  ConsumerSettings,
  OwnedPartition,
  RecordConsumer,
  RecordSink,
} from '@sluice/streams';
import type { StreamJobsLimits } from '../limits';
import type { FeedingHeld, JobsMeter } from '../metrics';
import type { JobSettings } from '../options';
import { FeedLine, type Fed, type TakenRecord } from './feed-line';
import { LastingConsumer } from './lasting-consumer';

/** What a feeder works with. */
export interface FeederDeps {
  redis: RedisLink;
  createConsumer: (settings: ConsumerSettings, sink: RecordSink) => RecordConsumer;
  clock: Clock;
  log: Logger;
  limits: StreamJobsLimits;
  meter: JobsMeter;
  settings: JobSettings;
}

/**
 * Feeds a queue from its topics, as a member of a consumer group. A record is acknowledged when its
 * job is there. While the queue has enough jobs, or cannot be reached, nothing is fed; then as many
 * records are held as may be in flight, and no more are read.
 */
export class Feeder implements RecordSink {
  readonly consumer: LastingConsumer;
  readonly #line: FeedLine;
  readonly #feeding: Periodic;
  readonly #failures: TroubleLog;
  readonly #seen = new WeakSet<OwnedPartition>();
  #taken: TakenRecord[] = [];
  /** Why nothing is fed, as the last attempt found. */
  #held: FeedingHeld = null;
  /** How many of the first are being fed just now. */
  #underWay = 0;

  constructor(private readonly deps: FeederDeps) {
    const { clock, log, limits, settings } = deps;
    this.#line = new FeedLine(deps);
    this.#feeding = new Periodic({
      clock,
      log,
      name: `feeding the queue ${settings.queue}`,
      everyMs: limits.feedRetryMs,
      run: (signal) => this.#feed(signal),
    });
    this.#failures = new TroubleLog({
      clock,
      log,
      message: `the queue ${settings.queue} is not fed: too many of its jobs have failed`,
      quietMs: 20 * limits.feedRetryMs,
    });
    deps.meter.observeFeeding(() => ({ heldRecords: this.#taken.length, held: this.#heldNow() }));
    const create = () => deps.createConsumer(consumerSettings(settings, limits), this);
    this.consumer = new LastingConsumer({ create, clock, log, limits });
  }

  /**
   * Joins the group; where Redis is away, later.
   *
   * @throws what `RecordConsumer.start` throws that no other time would change
   */
  async start(): Promise<void> {
    this.#feeding.start();
    await this.consumer.start();
  }

  /** Stops reading; what is being fed is fed, and what waits is let go. */
  async stop(): Promise<void> {
    await this.consumer.close(this.deps.limits.drainMsMax);
    await this.#feeding.stop();
    this.#failures.stop();
    await this.#line.close();
  }

  take(owner: OwnedPartition, records: readonly ConsumedRecord[]): void {
    if (!this.#seen.has(owner)) {
      this.#seen.add(owner);
      const letGo = () => this.#letGo(owner);
      owner.stopping.addEventListener('abort', letGo, { once: true });
      owner.lost.addEventListener('abort', letGo, { once: true });
    }
    for (const record of records) this.#taken.push({ owner, record });
    if (owner.stopping.aborted || owner.lost.aborted) this.#letGo(owner);
    else this.#feeding.runSoon();
  }

  /** What of a partition is not being fed just now will not be fed here. */
  #letGo(owner: OwnedPartition): void {
    const first = this.#taken.slice(0, this.#underWay);
    const others = this.#taken.slice(this.#underWay);
    this.#taken = [...first, ...others.filter((one) => one.owner !== owner)];
    for (const one of others) {
      if (one.owner === owner) owner.release(one.record.offset);
    }
  }

  async #feed(signal: AbortSignal): Promise<void> {
    while (this.#taken.length > 0 && !signal.aborted) {
      const batch = this.#nextBatch();
      this.#underWay = batch.length;
      let [count, newCount] = [0, 0];
      let rest: Fed['rest'] = 'none';
      try {
        ({ count, newCount, rest } = await this.#line.feed(batch));
        this.deps.meter.fed.add(newCount);
      } finally {
        this.#underWay = 0;
        this.#taken.splice(0, count);
        this.#letGoOfEnded();
      }
      for (const { owner, record } of batch.slice(0, count)) owner.acknowledge(record.offset);
      if (rest === 'failures') this.#failures.note();
      else this.#failures.over();
      this.#held = rest === 'full' || rest === 'failures' ? rest : null;
      if (this.#held !== null) return;
    }
  }

  #heldNow(): FeedingHeld {
    return this.#taken.length > 0 ? this.#held : null;
  }

  /** Partitions that ended while their records were being fed, which failed. */
  #letGoOfEnded(): void {
    const owners = new Set(this.#taken.map(({ owner }) => owner));
    for (const owner of owners) {
      if (owner.stopping.aborted || owner.lost.aborted) this.#letGo(owner);
    }
  }

  #nextBatch(): TakenRecord[] {
    const { feedRecordsMax, feedBytesMax } = this.deps.limits;
    let bytes = 0;
    const end = this.#taken.slice(0, feedRecordsMax).findIndex(({ record }, index) => {
      bytes += record.value?.length ?? 0;
      return bytes > feedBytesMax && index > 0;
    });
    return this.#taken.slice(0, end === -1 ? feedRecordsMax : end);
  }
}

function consumerSettings(settings: JobSettings, limits: StreamJobsLimits): ConsumerSettings {
  const { group, topics, startFrom } = settings;
  return {
    group,
    topics,
    ...(startFrom === undefined ? {} : { startFrom }),
    inFlightRecordsMax: limits.takenRecordsMax,
    inFlightBytesMax: limits.takenBytesMax,
    drainMs: limits.drainMsMax,
  };
}
