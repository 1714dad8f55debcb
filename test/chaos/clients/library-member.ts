import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientKind, SeenRecord } from '../history/operation';
import { retryPauseMs, type ClientContext } from './context';
import { LoopingClient } from './looping-client';

/** How long a member looks after itself before it is asked again whether it still runs. */
const lookEveryMs = 200;
/** How long a library may take to end a consumer; what it still holds then ends with the run. */
const closeMsMax = 10_000;

/** A consumer that runs. */
export interface RunningConsumer {
  close(): Promise<void>;
}

/**
 * A member of a group by a client library: starts it, starts another one where it has ended, and
 * writes down what it tells.
 */
export class LibraryMember extends LoopingClient {
  #hasEnded = false;
  #lastMs = 0;

  /** @param make starts a consumer that calls `got`, `assigned` and `ended`, or throws */
  constructor(
    name: string,
    private readonly client: ClientKind,
    private readonly group: string,
    private readonly context: ClientContext,
    private readonly make: (member: LibraryMember) => Promise<RunningConsumer>,
  ) {
    super(name);
  }

  /** Records came. */
  got(partition: number, records: SeenRecord[]): void {
    if (records.length === 0) return;
    const { history } = this.context;
    // A library tells when it hands records over, and not when it asked for them.
    const endedMs = history.now();
    history.add({
      kind: 'poll',
      client: this.client,
      process: this.name,
      begunMs: this.#lastMs,
      endedMs,
      outcome: 'done',
      how: 'subscribe',
      group: this.group,
      partition,
      records,
      logStart: null,
      logEnd: null,
      gateway: null,
    });
    this.#lastMs = endedMs;
  }

  /** Its partitions are others now; null: it has none for now. */
  assigned(member: string, generation: number | null, partitions: number[] | null): void {
    const { history } = this.context;
    const nowMs = history.now();
    history.add({
      kind: 'assigned',
      process: this.name,
      begunMs: nowMs,
      endedMs: nowMs,
      group: this.group,
      member,
      generation,
      partitions,
    });
  }

  /** It does not run any more. */
  ended(): void {
    this.#hasEnded = true;
  }

  protected async run(): Promise<void> {
    while (!this.isStopping) {
      this.#hasEnded = false;
      try {
        const consumer = await this.make(this);
        while (!this.isStopping && !this.#hasEnded) await this.pause(lookEveryMs);
        const closed = consumer.close().catch(() => undefined);
        await Promise.race([closed, sleep(closeMsMax, undefined, { ref: false })]);
      } catch {
        await this.pause(retryPauseMs);
      }
    }
  }
}
