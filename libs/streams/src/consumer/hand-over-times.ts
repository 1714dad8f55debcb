/** When records were handed over, so that it is known how old the oldest in flight is. */
export class HandOverTimes {
  private readonly offsets: number[] = [];
  private readonly timesMs: number[] = [];

  /** How many hand-overs are remembered: no more than there are records in flight, and one. */
  get size(): number {
    return this.offsets.length;
  }

  /** Records from an offset on were handed over, when none below the progress was in flight. */
  note(offset: number, atMs: number, progress: number): void {
    this.forget(progress);
    this.offsets.push(offset);
    this.timesMs.push(atMs);
  }

  /** When the record with this offset, below which none is in flight, was handed over; ms. */
  oldestMs(progress: number): number | null {
    this.forget(progress);
    return this.timesMs[0] ?? null;
  }

  private forget(progress: number): void {
    let past = 0;
    while (past + 1 < this.offsets.length && this.offsets[past + 1]! <= progress) past++;
    if (past === 0) return;
    this.offsets.splice(0, past);
    this.timesMs.splice(0, past);
  }
}
