/** A partition is to go on at another offset. */
export interface Move {
  readonly offset: number;
  /** Resolves when nothing of the partition is being read. */
  readonly whenUnread: () => Promise<void>;
}

interface AwaitedMove extends Move {
  resolve: () => void;
  reject: (error: Error) => void;
}

/** Moves of one partition that were asked for, one after the other, and who waits for them. */
export class Moves {
  private readonly waiting: AwaitedMove[] = [];

  /** The one whose turn it is; null for none. */
  get next(): Move | null {
    return this.waiting[0] ?? null;
  }

  /** Resolves when it was made; rejects with what it ended with. */
  add(move: Move): Promise<void> {
    return new Promise((resolve, reject) => this.waiting.push({ ...move, resolve, reject }));
  }

  /** The one whose turn it was has been made, or has failed. */
  ended(error: Error | null): void {
    const move = this.waiting.shift();
    if (error === null) move?.resolve();
    else move?.reject(error);
  }

  /** None of them is made. */
  endAll(error: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}
