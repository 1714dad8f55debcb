import { setTimeout as sleep } from 'node:timers/promises';
import type { Asked, ClientKind, SeenRecord } from '../history/operation';
import { retryPauseMs, type ClientContext } from './context';
import { LoopingClient } from './looping-client';

/** How long a member looks after itself before it is asked again whether it still runs. */
const lookEveryMs = 200;
/** How long a library may take to end a consumer; what it still holds then ends with the run. */
const closeMsMax = 10_000;

/** The request that brought records, where a library tells it. */
export interface ToldRequest {
  asked: Asked;
  begunMs: number;
  gateway: string | null;
}

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
  #requests = 0;

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

  /** The number of a request that begins now. */
  begin(): { request: number; begunMs: number } {
    return { request: ++this.#requests, begunMs: this.context.history.now() };
  }

  /**
   * Records came.
   * @param told null where the library tells when it hands records over, and not when it asked
   */
  got(partition: number, records: SeenRecord[], told: ToldRequest | null): void {
    if (records.length === 0) return;
    const { history } = this.context;
    const endedMs = history.now();
    history.add({
      kind: 'poll',
      client: this.client,
      process: this.name,
      begunMs: told?.begunMs ?? this.#lastMs,
      endedMs,
      outcome: 'done',
      how: 'subscribe',
      group: this.group,
      partition,
      asked: told?.asked ?? null,
      records,
      logStart: null,
      logEnd: null,
      gateway: told?.gateway ?? null,
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

  /** From now on it goes on there. */
  placed(partition: number, offset: number): void {
    const { history } = this.context;
    const nowMs = history.now();
    const about = { process: this.name, group: this.group, partition, offset };
    history.add({ kind: 'position', ...about, begunMs: nowMs, endedMs: nowMs });
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
