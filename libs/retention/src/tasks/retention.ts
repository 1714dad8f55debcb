import type { TopicCatalog, Topic } from '@sluice/log';
import type { Clock } from '@sluice/base';
import type { JobData, Task, TaskResult } from '../queue/kinds';
import { checkIntervalMs, type TopicTrimmer } from '../trim/topic-trimmer';

/** What trimming works with. */
export interface RetentionTaskDeps {
  trimmer: Pick<TopicTrimmer, 'trim'>;
  topics: Pick<TopicCatalog, 'list' | 'byId'>;
}

/** What was trimmed of several topics. */
class Totals {
  readonly result = { records: 0, bytes: 0 };
  readonly details = { topics: 0, partitions: 0, trimmedPartitions: 0 };
  #failures = 0;
  #firstFailure = '';

  constructor(private readonly trimmer: RetentionTaskDeps['trimmer']) {}

  async add(topic: Topic, signal: AbortSignal): Promise<void> {
    const report = await this.trimmer.trim(topic, signal);
    this.result.records += report.records;
    this.result.bytes += report.bytes;
    this.details.topics++;
    this.details.partitions += report.partitions;
    this.details.trimmedPartitions += report.trimmedPartitions;
    for (const { partition, message } of report.failures) {
      this.#failures++;
      this.#firstFailure ||= `${topic.name}/${partition}: ${message}`;
    }
  }

  /** @throws Error when partitions could not be trimmed, after all others were */
  end(): TaskResult {
    if (this.#failures === 0) return { ...this.result, details: this.details };
    throw new Error(`${this.#failures} partitions were not trimmed, first ${this.#firstFailure}`);
  }
}

/** Trims all topics, or the one that is asked for, one after the other. */
export class RetentionTask implements Task {
  constructor(private readonly deps: RetentionTaskDeps) {}

  async run({ topicId }: JobData, signal: AbortSignal): Promise<TaskResult> {
    const { trimmer, topics } = this.deps;
    const totals = new Totals(trimmer);
    for (const topic of topicId === undefined ? topics.list() : [topics.byId(topicId)]) {
      if (signal.aborted) break;
      // It may have been deleted meanwhile.
      if (topic !== undefined) await totals.add(topic, signal);
    }
    return totals.end();
  }
}

/** The shortest time after which a topic has to be looked at; null where none is in a hurry. */
export function shortestIntervalMs(topics: readonly Topic[], defaultMs: number): number | null {
  let shortestMs = defaultMs;
  for (const topic of topics) shortestMs = Math.min(shortestMs, checkIntervalMs(topic, defaultMs));
  return shortestMs < defaultMs ? shortestMs : null;
}

/**
 * Trims the topics that have to be looked at more often than all others, each when its own time has
 * come. When that was last is known to this process alone: where several share the work, a topic is
 * looked at a little more often than it need be, and never less.
 */
export class ShortRetentionTask implements Task {
  readonly #checkedMs = new Map<string, number>();

  constructor(
    private readonly deps: RetentionTaskDeps & {
      clock: Clock;
      /** How often all topics are looked at. */
      defaultMs: () => number;
    },
  ) {}

  async run(_data: JobData, signal: AbortSignal): Promise<TaskResult> {
    const { trimmer, topics, clock, defaultMs } = this.deps;
    const totals = new Totals(trimmer);
    const inHurry = topics.list().filter((topic) => this.#intervalMs(topic) < defaultMs());
    this.#forgetAllBut(inHurry);
    for (const topic of inHurry) {
      if (signal.aborted) break;
      const nowMs = clock.monotonicMs();
      const lastMs = this.#checkedMs.get(topic.id) ?? -Infinity;
      if (nowMs - lastMs < this.#intervalMs(topic) * earlyShare) continue;
      this.#checkedMs.set(topic.id, nowMs);
      await totals.add(topic, signal);
    }
    return totals.end();
  }

  #intervalMs(topic: Topic): number {
    return checkIntervalMs(topic, this.deps.defaultMs());
  }

  #forgetAllBut(topics: readonly Topic[]): void {
    const ids = new Set(topics.map(({ id }) => id));
    for (const id of this.#checkedMs.keys()) if (!ids.has(id)) this.#checkedMs.delete(id);
  }
}

/** Runs come a little early or late: one that is almost due must not wait for the next. */
const earlyShare = 0.9;
