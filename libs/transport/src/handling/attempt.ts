import type { ConsumedRecord, OwnedPartition } from '@sluice/streams';
import type { StreamAction, StreamAttempt } from '../context/stream-context';
import type { PartitionRunner } from '../runner/partition-runner';

/** One call of a handler with its records. */
export class Attempt implements StreamAttempt {
  #action: StreamAction | null = null;
  #controller: AbortController | null = null;
  #forgetPartition: (() => void) | null = null;
  #isOver = false;
  #isAcknowledged = false;

  constructor(
    readonly records: readonly ConsumedRecord[],
    readonly runner: PartitionRunner,
    readonly attempt: number,
  ) {}

  get partition(): OwnedPartition {
    return this.runner.partition;
  }

  /** What the handler asked for last; null for nothing. */
  get action(): StreamAction | null {
    return this.#action;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  signal(): AbortSignal {
    if (this.#controller !== null) return this.#controller.signal;
    this.#controller = new AbortController();
    if (!this.#isOver) {
      const reason = new Error('the partition belongs to another member now');
      this.#forgetPartition = this.runner.whenLost(() => this.#controller!.abort(reason));
    }
    return this.#controller.signal;
  }

  act(action: StreamAction): void {
    if (this.#isOver) {
      throw new Error(`too late to ask for ${action.kind}: this attempt is over`);
    }
    if (this.#isAcknowledged) return;
    this.#action = action;
    if (action.kind === 'acknowledge') this.acknowledge();
  }

  /** Acknowledges the records, once. */
  acknowledge(): void {
    if (this.#isAcknowledged) return;
    this.#isAcknowledged = true;
    this.runner.acknowledge(this.records);
  }

  /** Its handler may go on, but nobody waits for it any longer. */
  giveUp(reason: Error): void {
    this.end();
    this.#controller?.abort(reason);
  }

  /** Nothing can be asked for any more. */
  end(): void {
    this.#isOver = true;
    this.#forgetPartition?.();
  }
}
