import type { PartitionLimits } from '../partition-limits';

/**
 * How often, of late, others have written to a partition between two appends of one writer. A
 * transaction that presumes where the log ends is in vain then, and its bytes are sent again; where
 * that happens too often, Lua costs less.
 */
export class Neighbours {
  /** Of 1; recent appends count more. */
  private share = 0;

  constructor(
    private readonly limits: Pick<PartitionLimits, 'directMissShareMax' | 'directMissMemory'>,
  ) {}

  get areBusy(): boolean {
    return this.share > this.limits.directMissShareMax;
  }

  /** An append, whichever way, has told whether the log ended elsewhere than was thought. */
  note(cameBetween: boolean): void {
    this.share += (Number(cameBetween) - this.share) / this.limits.directMissMemory;
  }
}
