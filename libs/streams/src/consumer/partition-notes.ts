import type { PartitionParts } from './partition-parts';
import type { DamagedBatch } from './record-line';

/** What the log is told of one partition, and what stands in its way. */
export class PartitionNotes {
  /** Why it is not read any further; null where it is. */
  problem: string | null = null;

  constructor(private readonly parts: Pick<PartitionParts, 'grant' | 'group' | 'log'>) {}

  stepFailed(error: Error): void {
    this.tell('warn', 'could not be taken up; it is tried again', { error: error.message });
  }

  trimmed(offset: number, count: number): void {
    const what = 'had records that were trimmed away before the group had read them';
    this.tell('warn', what, { offset, count });
  }

  skipped(error: Error): void {
    const { message } = error;
    this.tell('error', 'would have passed over records; they are read again', { error: message });
  }

  damaged({ offset, message: error }: DamagedBatch): void {
    const { topic, partition } = this.parts.grant;
    this.problem = `${topic}/${partition} stands at a damaged batch at offset ${offset}`;
    this.tell('error', 'has a damaged batch, and is not read any further', { offset, error });
  }

  /** "A partition …", in the log. */
  private tell(level: 'warn' | 'error', what: string, more: object): void {
    const { group, log } = this.parts;
    const { topic, partition } = this.parts.grant;
    log[level](`a partition ${what}`, { topic, partition, group, ...more });
  }
}
