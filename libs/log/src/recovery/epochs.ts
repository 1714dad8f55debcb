/** From which offset on a leader epoch holds. */
interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/**
 * The leader epochs of a partition. A new one begins where the offsets go on after a loss, so a
 * client can tell records of before from those of after (KIP-101, KIP-320).
 */
export class LeaderEpochs {
  /** Of a partition that has never lost anything. */
  static readonly first = new LeaderEpochs([{ epoch: 0, startOffset: 0 }]);

  private constructor(private readonly starts: readonly EpochStart[]) {}

  /**
   * Reads what the meta hash has.
   *
   * @param text `<epoch> <first offset>` of each, oldest first; null: there has been only one
   */
  static parse(text: string | null): LeaderEpochs {
    if (text === null || text === '') return LeaderEpochs.first;
    const numbers = text.split(' ').map(Number);
    const starts: EpochStart[] = [];
    for (let at = 0; at + 1 < numbers.length; at += 2) {
      starts.push({ epoch: numbers[at]!, startOffset: numbers[at + 1]! });
    }
    return new LeaderEpochs(starts);
  }

  get current(): number {
    return this.starts.at(-1)!.epoch;
  }

  /** The epoch in which the record at `offset` was appended. */
  at(offset: number): number {
    for (let i = this.starts.length - 1; i > 0; i--) {
      if (offset >= this.starts[i]!.startOffset) return this.starts[i]!.epoch;
    }
    return this.starts[0]!.epoch;
  }

  /**
   * Where an epoch ended: at the first offset of the next one, the current one at the log end. Of
   * an epoch that is not known the last one before it is told; null where it is yet to come. As
   * Kafka's `LeaderEpochFileCache.endOffsetFor`.
   */
  endOf(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } | null {
    if (epoch === this.current) return { epoch, endOffset: logEndOffset };
    const next = this.starts.find((start) => start.epoch > epoch);
    if (next === undefined || epoch < 0) return null;
    const known = this.starts.findLast((start) => start.epoch <= epoch);
    return { epoch: known?.epoch ?? epoch, endOffset: next.startOffset };
  }
}
