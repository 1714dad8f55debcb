import type { Clock, Logger } from '@sluice/base';
import {
  resolveConfigs,
  type PartitionRef,
  type PartitionStore,
  type Topic,
  type TrimReply,
  type TrimRule,
} from '@sluice/log';
import { retentionLimits } from '../limits';
import { Pace } from './pace';

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
  private readonly pace: Pace;

  constructor(private readonly deps: TopicTrimmerDeps) {
    this.pace = new Pace(deps.clock);
  }

  /**
   * Trims every partition once, in bounded steps; those of all trims of this trimmer one after the
   * other, with pauses. A partition that fails does not keep the others from being trimmed. Where a
   * topic has no limits, what DeleteRecords has left below the log start goes: the gateway may have
   * been killed in between.
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
    const { checkedAtOnceMax } = retentionLimits;
    for (let first = 0; first < topic.partitions; first += checkedAtOnceMax) {
      if (signal?.aborted) break;
      const count = Math.min(checkedAtOnceMax, topic.partitions - first);
      const refs = Array.from({ length: count }, (_, i): PartitionRef => {
        return { topic: topic.name, topicId: topic.id, partition: first + i };
      });
      report.partitions += count;
      const due = await this.deps.store.mayBeTrimmed(refs, this.ruleOf(topic));
      for (const ref of due) await this.trimPartition(topic, ref, report, signal);
    }
    return report;
  }

  private async trimPartition(
    topic: Topic,
    ref: PartitionRef,
    report: TrimReport,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { topic: name, partition } = ref;
    let isTrimmed = false;
    try {
      for (;;) {
        if (signal?.aborted) break;
        const step = await this.takeStep(ref, this.ruleOf(topic));
        if (step === null) break;
        isTrimmed ||= step.batches > 0;
        report.records += step.offsets;
        report.batches += step.batches;
        report.bytes += step.bytes;
        if (step.isDone) break;
      }
    } catch (error) {
      const { message } = error as Error;
      report.failures.push({ partition, message });
      this.deps.log.debug('a partition was not trimmed', { topic: name, partition, message });
    }
    if (isTrimmed) report.trimmedPartitions++;
  }

  /** Null: there is no such partition any more. */
  private async takeStep(ref: PartitionRef, rule: TrimRule): Promise<TrimReply | null> {
    const { store, log } = this.deps;
    const step = await this.pace.run(() => store.trimStep(ref, rule));
    if (step !== 'missing') return step;
    const missing = await store.findMissing(ref);
    const { topic, partition } = ref;
    log.error('batches are missing that something other than Sluice has removed from Redis', {
      topic,
      partition,
      ...missing,
    });
    const again = await this.pace.run(() => store.trimStep(ref, rule));
    if (again === 'missing') throw new Error('batches are being removed by something else');
    return again;
  }

  private ruleOf(topic: Topic): TrimRule {
    const { deletesOld, retentionMs, retentionBytes } = resolveConfigs(topic);
    const nowMs = this.deps.clock.nowMs();
    if (!deletesOld) return { retentionMs: -1, retentionBytes: -1, nowMs };
    return { retentionMs, retentionBytes, nowMs };
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
