import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosClient, ClientContext } from './clients/context';
import { kafkajsMember, kafkajsProducer } from './clients/kafkajs-clients';
import { platformaticMember, platformaticProducer } from './clients/platformatic-clients';
import { RawMember } from './clients/raw-member';
import { RawProducer } from './clients/raw-producer';
import { RawReader } from './clients/raw-reader';

const clientStopMsMax = 40_000;
const lookEveryMs = 100;

/** All clients of a run. */
export class Workload {
  readonly producers: readonly ChaosClient[];
  readonly readers: readonly RawReader[];
  readonly #rawMembers: readonly RawMember[];
  readonly #members: readonly ChaosClient[];
  readonly groups = ['raw-group', 'kafkajs-group', 'platformatic-group'] as const;

  constructor(private readonly context: ClientContext) {
    this.producers = [
      new RawProducer('raw-idempotent-1', { idempotent: true, acks: -1 }, context),
      new RawProducer('raw-idempotent-2', { idempotent: true, acks: 1 }, context),
      new RawProducer('raw-plain-1', { idempotent: false, acks: 1 }, context),
      new RawProducer('raw-plain-2', { idempotent: false, acks: -1 }, context),
      kafkajsProducer('kafkajs-idempotent', { idempotent: true, acks: -1 }, context),
      kafkajsProducer('kafkajs-plain', { idempotent: false, acks: 1 }, context),
      platformaticProducer('platformatic-idempotent', { idempotent: true, acks: -1 }, context),
      platformaticProducer('platformatic-plain', { idempotent: false, acks: 1 }, context),
    ];
    this.readers = [new RawReader('reader-1', context), new RawReader('reader-2', context)];
    const [raw, kafkajs, platformatic] = this.groups;
    this.#rawMembers = [1, 2, 3].map((n) => new RawMember(`raw-member-${n}`, raw, context));
    this.#members = [
      ...this.#rawMembers,
      ...[1, 2].map((n) => kafkajsMember(`kafkajs-member-${n}`, kafkajs, context)),
      ...[1, 2].map((n) => platformaticMember(`platformatic-member-${n}`, platformatic, context)),
    ];
  }

  /** Starts everybody. */
  async start(): Promise<void> {
    const all = [...this.readers, ...this.#members, ...this.producers];
    await Promise.all(all.map((client) => client.start()));
  }

  /** Nobody comes and goes any more but who is told to. */
  settle(): void {
    for (const member of this.#rawMembers) member.settle();
  }

  async stopProducers(): Promise<void> {
    await Promise.all(this.producers.map((client) => this.#stop(client)));
  }

  /** Waits until something is so, but not for ever: what never comes is found by checkers. */
  async wait(isSo: () => boolean, waitMsMax: number): Promise<void> {
    const untilMs = performance.now() + waitMsMax;
    while (!isSo() && performance.now() < untilMs) await sleep(lookEveryMs);
  }

  async stopConsumers(): Promise<void> {
    await Promise.all([...this.readers, ...this.#members].map((client) => this.#stop(client)));
  }

  /** One that does not end is written down and left behind. */
  async #stop(client: ChaosClient): Promise<void> {
    const { history, slowness } = this.context;
    const isLate = Symbol('late');
    const stopped = client.stop().catch(() => undefined);
    const tooLate = sleep(slowness * clientStopMsMax, isLate, { ref: false });
    if ((await Promise.race([stopped, tooLate])) !== isLate) return;
    history.add({ kind: 'stuck', process: client.name, atMs: history.now() });
  }
}
