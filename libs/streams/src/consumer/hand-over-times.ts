/** When records were handed over, so that it is known how old the oldest in flight is. */
export class HandOverTimes {
  private readonly offsets: number[] = [];
  private readonly timesMs: number[] = [];

  /** Records from an offset on were handed over. */
  note(offset: number, atMs: number): void {
    this.offsets.push(offset);
    this.timesMs.push(atMs);
  }

  /** When the record with this offset, below which none is in flight, was handed over; ms. */
  oldestMs(progress: number): number | null {
    let past = 0;
    while (past + 1 < this.offsets.length && this.offsets[past + 1]! <= progress) past++;
    this.offsets.splice(0, past);
    this.timesMs.splice(0, past);
    return this.timesMs[0] ?? null;
  }
}
