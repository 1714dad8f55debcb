import { UnknownOutcome } from '@sluice/redis';
import { PartitionModel } from '@sluice/test/models/partition-model';
import type { FakeClock } from '@sluice/test/support/fake-clock';
import type { PartitionBounds } from '../../src/bounds';
import type { AppendBatch, AppendReply } from '../../src/writer/append-call';
import type { Chance } from './chance';

/** A batch of a simulated producer: one record, and its number among that producer's. */
export interface SimulatedBatch extends AppendBatch {
  sender: number;
  number: number;
}

interface Stored {
  sender: number;
  number: number;
}

/** One partition in a Redis that can go back to what it was before. */
export class SimulatedRedis {
  /** Rises when the history changes, as the leader epoch does. */
  epoch = 0;
  /** What is at each offset. */
  stored: Stored[] = [];
  private model = new PartitionModel();
  private readonly listeners = new Set<(message: string) => void>();

  constructor(readonly clock: FakeClock) {}

  append(batches: readonly SimulatedBatch[]): AppendReply {
    const before = this.model.logEndOffset;
    const results = batches.map((batch) => {
      const { producerId, producerEpoch, baseSequence } = batch;
      const plain = { bytes: 1, timestampsMs: [1], producerId, producerEpoch, baseSequence };
      const [result] = this.model.append([plain]);
      if (result!.kind === 'appended') {
        this.stored.push({ sender: batch.sender, number: batch.number });
      }
      return result!;
    });
    const { logStartOffset, logEndOffset } = this.model;
    if (logEndOffset > before) this.publish();
    return { results, logStartOffset, logEndOffset, leaderEpoch: 0 };
  }

  bounds(): PartitionBounds {
    return { ...this.model.bounds(), leaderEpoch: this.epoch };
  }

  subscribe(listener: (message: string) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Loses what was appended last, as a power cut does. */
  lose(records: number): void {
    const kept = this.stored.slice(0, Math.max(0, this.stored.length - records));
    this.epoch++;
    this.stored = [];
    this.model = new PartitionModel();
    for (const { sender, number } of kept) this.append([batchOf(sender, number)]);
  }

  private publish(): void {
    const { logStartOffset: start, logEndOffset: end } = this.model;
    for (const listener of this.listeners) listener(`${end} ${start} ${end} ${this.epoch}`);
  }
}

/**
 * Senders with an even number are idempotent, the others are not.
 *
 * @param life rises when an idempotent one takes another producer id
 */
export function batchOf(sender: number, number: number, life = 0): SimulatedBatch {
  const isIdempotent = sender % 2 === 0;
  return {
    sender,
    number,
    bytes: Buffer.alloc(1),
    lastOffsetDelta: 0,
    maxTimestampMs: 1,
    producerId: isIdempotent ? sender + 1_000 * life : -1,
    producerEpoch: isIdempotent ? 0 : -1,
    baseSequence: isIdempotent ? number : -1,
  };
}

interface Request {
  run: () => unknown;
  resolve: (reply: never) => void;
  reject: (error: Error) => void;
  state: 'sent' | 'run' | 'broken';
}

/**
 * One connection: requests are run in their order, each some time after it was sent, and replies
 * come in that order. When it breaks, what is out is unknown to its sender; what is on its way may
 * still arrive, much later.
 */
export class SimulatedConnection {
  /** Another value is another connection. */
  stream = {};
  private out: Request[] = [];
  private arrivesMs = 0;
  private repliesMs = 0;

  constructor(
    private readonly redis: SimulatedRedis,
    private readonly chance: Chance,
    private readonly faults: { isOn: boolean },
  ) {}

  send<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const request: Request = { run, resolve: resolve as never, reject, state: 'sent' };
      this.out.push(request);
      const { clock } = this.redis;
      const delayMs = this.chance.between(1, this.faults.isOn ? 40 : 5);
      this.arrivesMs = Math.max(this.arrivesMs, clock.monotonicMs() + delayMs);
      clock.setTimer(this.arrivesMs - clock.monotonicMs(), () => this.arrive(request));
      if (this.faults.isOn && this.chance.is(0.04)) {
        clock.setTimer(this.chance.between(1, 60), () => this.break());
      }
    });
  }

  /** Everything that is out fails, and most of it is lost. */
  break(): void {
    this.stream = {};
    this.arrivesMs = this.repliesMs = this.redis.clock.monotonicMs();
    for (const request of this.out.splice(0)) {
      const wasOnItsWay = request.state === 'sent';
      request.state = 'broken';
      request.reject(new UnknownOutcome('a simulated command'));
      if (!wasOnItsWay || !this.chance.is(0.3)) continue;
      // It lies in a buffer of the server's, and is run although nobody waits for it.
      this.redis.clock.setTimer(this.chance.between(1, 300), () => void request.run());
    }
  }

  private arrive(request: Request): void {
    if (request.state !== 'sent') return;
    request.state = 'run';
    const reply = request.run();
    const { clock } = this.redis;
    const delayMs = this.chance.between(1, this.faults.isOn ? 40 : 5);
    this.repliesMs = Math.max(this.repliesMs, clock.monotonicMs() + delayMs);
    clock.setTimer(this.repliesMs - clock.monotonicMs(), () => {
      if (request.state !== 'run') return;
      this.out.splice(this.out.indexOf(request), 1);
      request.resolve(reply as never);
    });
  }
}
