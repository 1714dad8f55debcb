import { silentLogger } from '@sluice/base';
import { UnknownOutcome } from '@sluice/redis';
import { partitionLimits } from '../../src/partition-limits';
import { PartitionWatch } from '../../src/watch/partition-watch';
import type { AppendBatch, AppendReply } from '../../src/writer/append-call';
import { confirmationsOf } from '../../src/configs/confirmation';
import type { AppendLanes } from '../../src/writer/lanes';
import { nobodyConfirms } from '../../src/writer/partition-confirmer';
import { PartitionWriter, type AppendDone } from '../../src/writer/partition-writer';
import type { Chance } from './chance';
import { SimulatedConnection, type SimulatedBatch, type SimulatedRedis } from './simulated-redis';

/** Mistakes that a simulation has to find. */
export type Bug =
  /** What is heard while an own append is out is taken for its echo. */
  | 'drops-wake-ups-while-appending'
  /** Each number of copies has a line of its own. */
  | 'has-a-line-for-each-lane'
  /** Bounds that were asked for before are believed. */
  | 'believes-old-bounds';

/** What a gateway of a simulation is made of. */
export interface GatewayOptions {
  redis: SimulatedRedis;
  chance: Chance;
  faults: { isOn: boolean };
  bug: Bug | null;
}

const pollMs = 1_000;

/** A writer and a watch of one process, and a consumer that waits for all there is. */
export class SimulatedGateway {
  /** How far the consumer has come. */
  position = 0;
  /** Asks now and then while somebody waits. */
  isPolling = true;
  readonly watch: PartitionWatch;
  private readonly writers: readonly PartitionWriter[];
  private readonly plainWire: SimulatedConnection;
  private readonly durableWire: SimulatedConnection;
  private readonly readWire: SimulatedConnection;
  private isStopped = false;

  constructor(private readonly options: GatewayOptions) {
    const { redis, chance, faults, bug } = options;
    this.plainWire = new SimulatedConnection(redis, chance, faults);
    this.durableWire = new SimulatedConnection(redis, chance, faults);
    this.readWire = new SimulatedConnection(redis, chance, faults);
    const lines = bug === 'has-a-line-for-each-lane' ? 2 : 1;
    this.writers = Array.from({ length: lines }, () => this.newWriter());
    this.watch = new PartitionWatch({
      source: {
        bounds: () => this.readWire.send(() => redis.bounds()),
        subscribe: (listener) => this.subscribe(listener),
      },
      clock: redis.clock,
      limits: partitionLimits,
      isAppending: () => this.writers.some(({ callIsOut }) => callIsOut),
      onSetBack: () => {},
      onTrimmed: () => {},
    });
    if (bug === 'believes-old-bounds') this.believeOldBounds();
  }

  get busy(): boolean {
    return this.writers.some(({ busy }) => busy);
  }

  start(): void {
    this.poll();
    void this.consume();
  }

  stop(): void {
    this.isStopped = true;
    this.watch.close();
  }

  append(batch: SimulatedBatch, copies: number, done: AppendDone): void {
    const writer = this.writers[copies % this.writers.length]!;
    writer.append(batch, confirmationsOf(copies + 1, 'none')?.awaited ?? null, done);
  }

  /** All connections are made again, to a Redis that may have another history. */
  reconnect(): void {
    for (const wire of [this.plainWire, this.durableWire, this.readWire]) wire.break();
    this.watch.invalidate();
  }

  private newWriter(): PartitionWriter {
    const { redis } = this.options;
    const lanes: AppendLanes = {
      isOpen: true,
      ready: () => this.readWire.send(() => {}),
      missed: () => Promise.resolve(),
      send: (batches, asked) => {
        const copies = asked?.copies ?? 0;
        const wire = copies === 0 ? this.plainWire : this.durableWire;
        const { stream } = wire;
        const reply = wire.send(() => redis.append(batches as SimulatedBatch[]));
        const confirm = async (): Promise<void> => {
          if (wire.stream !== stream) throw new UnknownOutcome('replication');
          await wire.send(() => {});
        };
        return { reply, confirm: copies === 0 ? null : confirm };
      },
    };
    return new PartitionWriter({
      lanes,
      limits: { ...partitionLimits, appendBatchesMax: 3 },
      log: silentLogger,
      trouble: { note: () => {} },
      confirmer: nobodyConfirms,
      onReply: (batches, reply) => this.answered(batches, reply),
    });
  }

  private answered(_batches: readonly AppendBatch[], reply: AppendReply | null): void {
    if (!reply || 'refused' in reply) return this.watch.appendFailed({ isGone: false });
    this.watch.appended(reply.logStartOffset, reply.logEndOffset);
  }

  /** Messages come some time after they were sent, in their order; some are lost with a fault. */
  private subscribe(listener: (message: string) => void): Promise<() => Promise<void>> {
    const { redis, chance, faults, bug } = this.options;
    let arrivesMs = 0;
    const stop = redis.subscribe((message) => {
      if (faults.isOn && chance.is(0.1)) return;
      const nowMs = redis.clock.monotonicMs();
      arrivesMs = Math.max(arrivesMs, nowMs + chance.between(1, faults.isOn ? 40 : 5));
      redis.clock.setTimer(arrivesMs - nowMs, () => {
        if (bug === 'drops-wake-ups-while-appending' && this.busy) return;
        listener(message);
      });
    });
    return Promise.resolve(() => Promise.resolve(stop()));
  }

  private poll(): void {
    const { redis } = this.options;
    redis.clock.setTimer(pollMs, () => {
      if (this.isStopped) return;
      if (this.isPolling && this.watch.hasListeners) {
        const take = this.watch.expectBounds();
        this.readWire.send(() => redis.bounds()).then(take, () => {});
      }
      this.poll();
    });
  }

  /** Reads on from where it is, and waits for a change where there is nothing more. */
  private async consume(): Promise<void> {
    const { clock } = this.options.redis;
    while (!this.isStopped) {
      const { changeCount } = this.watch;
      const bounds = await this.watch.current().catch(() => null);
      if (bounds === null) {
        await new Promise<void>((resolve) => void clock.setTimer(20, resolve));
        continue;
      }
      const { logEndOffset } = bounds;
      const moved = logEndOffset !== this.position;
      // Below its position only after a loss, where a consumer is told that it is out of range.
      this.position = logEndOffset;
      if (moved || this.watch.changeCount !== changeCount) continue;
      await new Promise<void>((resolve) => {
        const stop = this.watch.onChange(() => {
          stop();
          resolve();
        });
      });
    }
  }

  private believeOldBounds(): void {
    const { watch } = this;
    watch.expectBounds = () => (bounds) => {
      watch.invalidate();
      PartitionWatch.prototype.expectBounds.call(watch)(bounds);
    };
  }
}
