import type { ConsumedRecord, OwnedPartition } from '@sluice/streams';

/** A partition that a test owns: it remembers what was done with its records. */
export class FakePartition implements OwnedPartition {
  readonly group = 'jobs.test';
  readonly memberId = 'member';
  readonly acknowledged: number[] = [];
  readonly released: number[] = [];
  readonly #stopping = new AbortController();
  readonly #lost = new AbortController();

  constructor(
    readonly topicId: string,
    readonly topic = 'orders',
    readonly partition = 0,
  ) {}

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  acknowledge(offset: number): void {
    this.acknowledged.push(offset);
  }

  release(offset: number): void {
    this.released.push(offset);
  }

  lag(): number {
    return 0;
  }

  revoke(): void {
    this.#stopping.abort();
  }

  lose(): void {
    this.#stopping.abort();
    this.#lost.abort();
  }

  /** Records with values as JSON, from an offset on. */
  records(from: number, values: readonly unknown[]): ConsumedRecord[] {
    return values.map((value, index) => this.record(from + index, JSON.stringify(value)));
  }

  record(offset: number, value: Buffer | string | null, key = 'alice'): ConsumedRecord {
    return {
      topic: this.topic,
      partition: this.partition,
      offset,
      timestampMs: 1_700_000_000_000 + offset,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [{ key: 'source', value: Buffer.from('test') }],
      mayBeRepeated: false,
    };
  }
}
