import type { ToldRecord } from './told-record';

/** How much of a stretch of a log a page can take. */
export interface LastRecordsMax {
  recordsMax: number;
  /** Bytes of what is told, but for a last record that has more. */
  replyBytesMax: number;
}

/** Of records that come by rising offsets, the last ones that a page takes. */
export class LastRecords {
  readonly #records: { record: ToldRecord; bytes: number }[] = [];
  #bytes = 0;
  #from: number | null = null;

  constructor(private readonly max: LastRecordsMax) {}

  /** What is kept. */
  get records(): readonly { record: ToldRecord; bytes: number }[] {
    return this.#records;
  }

  /** The offset of the first that is kept, where others before it were dropped; else null. */
  get from(): number | null {
    return this.#from;
  }

  /** @param bytes as told */
  add(record: ToldRecord, bytes: number): void {
    const { recordsMax, replyBytesMax } = this.max;
    this.#records.push({ record, bytes });
    this.#bytes += bytes;
    while (
      this.#records.length > 1 &&
      (this.#records.length > recordsMax || this.#bytes > replyBytesMax)
    ) {
      this.#bytes -= this.#records.shift()!.bytes;
      this.#from = this.#records[0]!.record.offset;
    }
  }
}
