import { Periodic, type Clock, type Logger } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { isFull } from './full-redis';
import type { JobLimits } from './job-limits';
import type { JobQueue, Schedule } from './job-queue';
import type { JobData, JobKind } from './kinds';

/** A schedule as a worker would have it. */
export interface WantedSchedule {
  kind: JobKind;
  everyMs: number;
  data?: JobData;
  /** The first run is not at once, but after `everyMs`. */
  isPatient?: boolean;
}

/** What the keeper works with. */
export interface ScheduleKeeperDeps {
  redis: Pick<RedisLink, 'onReady' | 'status'>;
  queue: JobQueue;
  clock: Clock;
  log: Logger;
  limits: JobLimits;
  /** What this worker's settings ask for. */
  wanted: readonly WantedSchedule[];
  /**
   * How often topics in a hurry have to be looked at, where all others are every `defaultMs`; null
   * where there are none.
   */
  shortestMs: (defaultMs: number) => number | null;
  /** Told each time that Redis refuses something because it is full. */
  onFull: () => void;
}

/**
 * Sees to it that the schedules are there: at the start, now and then, and after Redis was away,
 * which may have been emptied or replaced.
 *
 * Schedules are in Redis, and are one for all workers. The worker that was started last decides how
 * often: it puts its own settings into force, once. From then on every worker keeps what is in
 * force and makes again only what is missing, so workers with other settings do not fight.
 */
export class ScheduleKeeper {
  readonly #keeping: Periodic;
  #hasDecided = false;
  /** What was last seen of how often each is done. */
  readonly #inForceMs = new Map<JobKind, number>();
  #defaultMs: number;
  #unlisten = () => {};

  constructor(private readonly deps: ScheduleKeeperDeps) {
    const { clock, log, limits } = deps;
    this.#defaultMs = this.#wantedEveryMs('retention');
    this.#keeping = new Periodic({
      clock,
      log,
      name: 'keeping the schedules of jobs',
      everyMs: limits.keepSchedulesEveryMs,
      run: () => this.#keepOrTell(),
    });
  }

  /** How often all topics are looked at, as it was last seen in force. */
  get defaultMs(): number {
    return this.#defaultMs;
  }

  start(): void {
    this.#unlisten = this.deps.redis.onReady(() => this.#keeping.runSoon());
    this.#keeping.start(0);
  }

  /** Topics have changed, and may be in more or less of a hurry. */
  lookSoon(): void {
    this.#keeping.runSoon();
  }

  stop(): Promise<void> {
    this.#unlisten();
    return this.#keeping.stop();
  }

  async #keepOrTell(): Promise<void> {
    try {
      await this.#keep();
    } catch (error) {
      if (isFull(error as Error)) this.deps.onFull();
      throw error;
    }
  }

  async #keep(): Promise<void> {
    const { redis, queue, wanted } = this.deps;
    // What Redis is must be known before anything is made there; this runs again when it is.
    if (!redis.status().connected) return;
    const found = new Map((await queue.schedules()).map((one) => [one.kind, one]));
    for (const schedule of wanted) await this.#keepOne(schedule, found.get(schedule.kind));
    this.#defaultMs = this.#hasDecided
      ? (found.get('retention')?.everyMs ?? this.#defaultMs)
      : this.#wantedEveryMs('retention');
    this.#hasDecided = true;
    await this.#keepShort(found.get('short-retention'));
  }

  async #keepOne(wanted: WantedSchedule, found: Schedule | undefined): Promise<void> {
    const { kind } = wanted;
    if (found === undefined) return this.#plan(wanted, this.#inForceMs.get(kind) ?? wanted.everyMs);
    this.#inForceMs.set(kind, found.everyMs);
    const isOther = found.everyMs !== wanted.everyMs;
    if (isOther && !this.#hasDecided) {
      const { everyMs } = wanted;
      const fields = { job: kind, everyMs, beforeMs: found.everyMs };
      this.deps.log.info('a job is done more or less often than before', fields);
      return this.#plan(wanted, everyMs);
    }
    if (!this.#isAstray(found)) return;
    // Its next run would stay where it is.
    await this.deps.queue.unplan(kind);
    await this.#plan(wanted, found.everyMs);
  }

  async #keepShort(found: Schedule | undefined): Promise<void> {
    const everyMs = this.deps.shortestMs(this.#defaultMs);
    // It follows from the topics alone, which are the same for all.
    this.#inForceMs.delete('short-retention');
    const kind = 'short-retention';
    if (everyMs === null) return found === undefined ? undefined : this.deps.queue.unplan(kind);
    await this.#keepOne({ kind, everyMs }, found?.everyMs === everyMs ? found : undefined);
  }

  /**
   * Whether its next run is not where it should be: the clock of who has planned it was wrong, or
   * has jumped, or what had to plan it died in between.
   */
  #isAstray({ everyMs, nextRunAtMs }: Schedule): boolean {
    if (nextRunAtMs === null) return true;
    const inMs = nextRunAtMs - this.deps.clock.nowMs();
    const { scheduleSlackMs } = this.deps.limits;
    return inMs > everyMs + scheduleSlackMs || inMs < -(everyMs + scheduleSlackMs);
  }

  async #plan({ kind, data = {}, isPatient }: WantedSchedule, everyMs: number): Promise<void> {
    const { queue, clock, log } = this.deps;
    await queue.plan(kind, everyMs, data, isPatient ? clock.nowMs() + everyMs : undefined);
    this.#inForceMs.set(kind, everyMs);
    log.debug('a job is planned', { job: kind, everyMs });
  }

  #wantedEveryMs(kind: JobKind): number {
    return this.deps.wanted.find((one) => one.kind === kind)!.everyMs;
  }
}
