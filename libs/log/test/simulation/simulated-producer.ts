import type { AppendOutcome } from '../../src/writer/partition-writer';
import type { Chance } from './chance';
import type { SimulatedGateway } from './simulated-gateway';
import { batchOf, type SimulatedRedis } from './simulated-redis';

const inFlightMax = 4;

/** An answer that a producer got. */
export interface Acked {
  sender: number;
  number: number;
  offset: number;
  /** When it was answered. */
  epoch: number;
}

/**
 * Sends batches through a gateway, several at a time. An idempotent one sends what has failed again
 * and in order, once all that is under way is answered; another goes on.
 */
export class SimulatedProducer {
  readonly acked: Acked[] = [];
  /** Answers that came more than once. */
  repeated = 0;
  private next = 0;
  /** Rises when what it had acknowledged is lost: then it begins anew, as clients do. */
  private life = 0;
  private count = 0;
  private inFlight = 0;
  private readonly unacked = new Set<number>();
  private readonly failed = new Set<number>();

  constructor(
    private readonly sender: number,
    private readonly gateway: SimulatedGateway,
    private readonly redis: SimulatedRedis,
    private readonly chance: Chance,
  ) {}

  get isDone(): boolean {
    return this.inFlight === 0 && this.unacked.size === 0 && this.next === this.count;
  }

  /** So many batches more. */
  produce(batches: number): void {
    this.count += batches;
    this.goOn();
  }

  private goOn(): void {
    if (this.failed.size > 0) {
      if (this.inFlight > 0) return;
      this.failed.clear();
      for (const number of this.unacked) this.send(number);
      return;
    }
    while (this.next < this.count && this.inFlight < inFlightMax) {
      this.unacked.add(this.next);
      this.send(this.next++);
    }
  }

  private send(number: number): void {
    this.inFlight++;
    let isAnswered = false;
    this.gateway.append(
      batchOf(this.sender, number, this.life),
      this.chance.between(0, 1),
      (outcome) => {
        if (isAnswered) this.repeated++;
        if (isAnswered) return;
        isAnswered = true;
        this.inFlight--;
        this.answered(number, outcome);
        const pauseMs = this.chance.between(0, 10);
        this.redis.clock.setTimer(pauseMs, () => this.goOn());
      },
    );
  }

  private answered(number: number, outcome: AppendOutcome | null): void {
    const result = outcome && 'result' in outcome ? outcome.result : null;
    const { sender } = this;
    if (result?.kind === 'appended' || result?.kind === 'duplicate') {
      const { epoch } = this.redis;
      this.acked.push({ sender, number, offset: result.baseOffset, epoch });
      this.unacked.delete(number);
    } else if (result?.kind === 'duplicate-unknown' || sender % 2 === 1) {
      this.unacked.delete(number);
    } else {
      this.failed.add(number);
      if (result?.kind === 'out-of-order' && this.redis.epoch > 0) this.life++;
    }
  }
}
