import { FakeClock } from '@sluice/test/support/fake-clock';
import { Chance } from './chance';
import { SimulatedGateway, type Bug } from './simulated-gateway';
import { SimulatedProducer, type Acked } from './simulated-producer';
import { SimulatedRedis } from './simulated-redis';

const batchesEach = 12;

/** Two gateways of one partition, who uses them, and a network that fails them. */
class Simulation {
  private readonly chance: Chance;
  private readonly clock = new FakeClock();
  private readonly redis = new SimulatedRedis(this.clock);
  private readonly faults = { isOn: false };
  private readonly gateways: readonly SimulatedGateway[];
  private readonly producers: readonly SimulatedProducer[];
  private readonly problems: string[] = [];

  constructor(seed: number, bug: Bug | null) {
    const chance = (this.chance = new Chance(seed));
    const { redis, faults } = this;
    this.gateways = [0, 1].map(() => new SimulatedGateway({ redis, chance, faults, bug }));
    this.producers = [0, 1, 2, 3].map((sender) => {
      const gateway = this.gateways[sender >> 1]!;
      return new SimulatedProducer(sender, gateway, redis, chance);
    });
  }

  async run(): Promise<readonly string[]> {
    for (const gateway of this.gateways) gateway.start();
    // A producer that is not known may begin with any sequence: so let it be known.
    for (const producer of this.producers) producer.produce(1);
    await this.settle('at the beginning');
    this.faults.isOn = true;
    for (const producer of this.producers) producer.produce(batchesEach);
    const isWithLoss = this.chance.is(0.3);
    for (let round = 0; round < 6; round++) {
      await this.clock.advanceAsync(this.chance.between(20, 150));
      if (this.chance.is(0.2)) this.gateways[this.chance.between(0, 1)]!.reconnect();
      if (isWithLoss && round === 3) this.lose();
    }
    this.faults.isOn = false;
    await this.settle('after the faults');
    // All is well, so nobody needs to ask.
    for (const gateway of this.gateways) gateway.isPolling = false;
    for (const producer of this.producers) producer.produce(batchesEach);
    await this.settle('while all is well');
    this.checkAcked();
    for (const gateway of this.gateways) gateway.stop();
    return this.problems;
  }

  private lose(): void {
    this.redis.lose(this.chance.between(1, 5));
    for (const gateway of this.gateways) gateway.reconnect();
  }

  /** Everything is answered, and everybody knows of everything. */
  private async settle(when: string): Promise<void> {
    const isSettled = (): boolean =>
      this.producers.every(({ isDone }) => isDone) &&
      this.gateways.every(
        ({ busy, position }) => !busy && position === this.redis.bounds().logEndOffset,
      );
    for (let rounds = 0; rounds < 60 && !isSettled(); rounds++) await this.clock.advanceAsync(100);
    const { logEndOffset } = this.redis.bounds();
    for (const [index, producer] of this.producers.entries()) {
      if (!producer.isDone) this.problems.push(`${when}, producer ${index} waits for ever`);
      if (producer.repeated > 0) this.problems.push(`producer ${index} was told twice`);
    }
    for (const [index, { busy, position }] of this.gateways.entries()) {
      if (busy) this.problems.push(`${when}, writer ${index} waits for ever`);
      if (position === logEndOffset) continue;
      this.problems.push(`${when}, consumer ${index} is at ${position} of ${logEndOffset}`);
    }
  }

  private checkAcked(): void {
    const { stored, epoch } = this.redis;
    for (const { acked } of this.producers) {
      for (const one of acked) {
        if (one.epoch !== epoch) continue;
        const { sender, number, offset } = one;
        const there = stored[offset];
        if (there?.sender === sender && there.number === number) continue;
        this.problems.push(`batch ${number} of ${sender} was acked at ${offset} and is not there`);
      }
      // An idempotent one that has lost something begins anew, with what it has in doubt.
      if (epoch === 0 || acked[0]!.sender % 2 === 1) this.checkOrder(acked);
    }
    this.checkStoredOnce();
  }

  /** Of batches that were acked in one history, the later has the larger offset. */
  private checkOrder(acked: readonly Acked[]): void {
    const { epoch } = this.redis;
    const ours = acked.filter((one) => one.epoch === epoch).sort((a, b) => a.number - b.number);
    for (const [i, one] of ours.entries()) {
      const before = ours[i - 1];
      if (before === undefined || before.offset < one.offset) continue;
      this.problems.push(`batch ${one.number} of ${one.sender} has overtaken ${before.number}`);
    }
  }

  /** Each batch of an idempotent producer is in the log once, and behind the one before it. */
  private checkStoredOnce(): void {
    // Who has lost something begins anew, and what was in doubt may be there twice.
    if (this.redis.epoch > 0) return;
    const last = new Map<number, number>();
    for (const { sender, number } of this.redis.stored) {
      if (sender % 2 === 1) continue;
      const before = last.get(sender);
      if (before !== undefined && number !== before + 1) {
        this.problems.push(`batch ${number} of ${sender} is stored behind ${before}`);
      }
      last.set(sender, number);
    }
  }
}

/** What went wrong in one run; nothing, where all is as it should be. */
export function simulate(seed: number, bug: Bug | null = null): Promise<readonly string[]> {
  return new Simulation(seed, bug).run();
}
