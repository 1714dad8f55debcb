import type { Clock, Logger } from '@sluice/base';
import { resolveConfigs, type PartitionRef, type PartitionStore, type Topic } from '@sluice/log';
import { retentionLimits } from '../limits';

/** What the trimming of one topic has done. */
export interface TrimReport {
  /** Partitions that were looked at. */
  partitions: number;
  /** Of these, those of which something went. */
  trimmedPartitions: number;
  /** By how many offsets the log starts moved: records, and what was left out after a loss. */
  records: number;
  batches: number;
  bytes: number;
  /** Partitions that could not be trimmed, or not to the end, and why. */
  failures: { partition: number; message: string }[];
}

/** What a trimmer works with. */
export interface TopicTrimmerDeps {
  store: PartitionStore;
  clock: Clock;
  log: Logger;
}

/**
 * Trims topics to what their `retention.ms` and `retention.bytes` ask for. Any number of processes
 * may trim the same topic at the same time, and what one has done stays done, whatever becomes of
 * it.
 */
export class TopicTrimmer {
  constructor(private readonly deps: TopicTrimmerDeps) {}

  /**
   * Trims every partition once. One that fails does not keep the others from being trimmed.
   *
   * @param signal ends it between two steps; the report tells of what was done until then
   */
  async trim(topic: Topic, signal?: AbortSignal): Promise<TrimReport> {
    const report: TrimReport = {
      partitions: 0,
      trimmedPartitions: 0,
      records: 0,
      batches: 0,
      bytes: 0,
      failures: [],
    };
    if (!isLimited(topic)) return report;
    for (let partition = 0; partition < topic.partitions; partition++) {
      if (signal?.aborted) break;
      report.partitions++;
      try {
        await this.trimPartition(topic, partition, report);
      } catch (error) {
        const { message } = error as Error;
        report.failures.push({ partition, message });
        this.deps.log.debug('a partition was not trimmed', {
          topic: topic.name,
          partition,
          message,
        });
      }
    }
    return report;
  }

  private async trimPartition(topic: Topic, partition: number, report: TrimReport): Promise<void> {
    const { store, clock } = this.deps;
    const { retentionMs, retentionBytes } = resolveConfigs(topic);
    const ref: PartitionRef = { topic: topic.name, topicId: topic.id, partition };
    const before = await store.bounds(ref);
    const byAge =
      retentionMs >= 0 ? await store.trimToTime(ref, clock.nowMs() - retentionMs) : null;
    const bySize = retentionBytes >= 0 ? await store.trimToSize(ref, retentionBytes) : null;
    const batches = (byAge?.batches ?? 0) + (bySize?.batches ?? 0);
    const after = bySize ?? byAge;
    if (before === null || after === null || batches === 0) return;
    report.trimmedPartitions++;
    report.records += after.logStartOffset - before.logStartOffset;
    report.batches += batches;
    report.bytes += (byAge?.bytes ?? 0) + (bySize?.bytes ?? 0);
  }
}

/**
 * How soon a topic is to be looked at again, in ms: a topic with a short `retention.ms` more often
 * than others, so that its records go when they have reached that age and not much later.
 */
export function checkIntervalMs(topic: Topic, defaultMs: number): number {
  const { retentionMs, deletesOld } = resolveConfigs(topic);
  if (!deletesOld || retentionMs < 0) return defaultMs;
  const { checksPerRetention, checkMsMin } = retentionLimits;
  const oftenEnoughMs = Math.floor(retentionMs / checksPerRetention);
  return Math.min(defaultMs, Math.max(checkMsMin, oftenEnoughMs));
}

/** Whether there is anything that such a topic is trimmed to. */
function isLimited(topic: Topic): boolean {
  const { deletesOld, retentionMs, retentionBytes } = resolveConfigs(topic);
  return deletesOld && (retentionMs >= 0 || retentionBytes >= 0);
}
