import type { BenchContext, Measurement } from '../bench-context';
import { RawConnection } from '../raw-connection';
import { buildBatch, checkProduced, createTopic, produceRequest } from '../requests';
import { median, seconds } from '../stats';

export interface Load {
  name: string;
  batchBytes: number;
  recordBytes: number;
  connections: number;
  /**
   * Requests, or commands, in flight on each connection (all of the peer's share one connection).
   */
  depth: number;
  total: number;
  partitions: number;
  perSecond: 'bytes' | 'records';
  target: number;
}

/** Large batches: how much of bare XADD's rate is left when Kafka's protocol is in between. */
export function largeBatches({ quick }: Pick<BenchContext, 'quick'>): Load {
  return {
    name: 'produce, 64 KiB batches, acks=1',
    batchBytes: 64 * 1024,
    recordBytes: 100,
    connections: 4,
    depth: 8,
    total: quick ? 1_500 : 6_000,
    partitions: 4,
    perSecond: 'bytes',
    target: 0.7,
  };
}

/** One record a request: group commit turns many requests into few calls. */
export function singleRecords({ quick }: Pick<BenchContext, 'quick'>): Load {
  return {
    name: 'produce, single records, 64 pipelining connections, acks=1',
    batchBytes: 0,
    recordBytes: 100,
    connections: 64,
    depth: 32,
    total: quick ? 100_000 : 400_000,
    partitions: 4,
    perSecond: 'records',
    target: 1.3,
  };
}

/**
 * Writes the same batches with bare XADD and through the gateway, in turns. Before that both do all
 * of it once untimed: what a process does first it does slowly, and the gateway's has just started.
 */
export async function measureProduce(context: BenchContext, load: Load): Promise<Measurement> {
  context.progress(load.name);
  const batches = batchesOf(load);
  const port = await context.startGateway();
  const connections = await openMany(port, load.connections);
  const topic = 'bench-produce';
  await createTopic(connections[0]!, topic, load.partitions);
  const peer: number[] = [];
  const sluice: number[] = [];
  for (let round = 0; round <= context.rounds; round++) {
    peer.push(await bareXadd(context, load, batches));
    sluice.push(await produceAll(load, batches, topic, connections));
  }
  for (const connection of connections) connection.close();
  await context.stopGateway();
  await context.redis.flushall();
  return compare(load, batches[0]!.length, median(sluice.slice(1)), median(peer.slice(1)));
}

/** Batches a second. */
async function bareXadd({ redis }: BenchContext, load: Load, batches: Buffer[]): Promise<number> {
  let sent = 0;
  const lane = async () => {
    while (sent < load.total) {
      const n = sent++;
      await redis.xadd(`bench:${n % load.partitions}`, '*', 'b', batches[n % batches.length]!);
    }
  };
  const lanes = Array.from({ length: load.connections * load.depth });
  const took = await seconds(async () => {
    await Promise.all(lanes.map(lane));
  });
  for (let n = 0; n < load.partitions; n++) await redis.unlink(`bench:${n}`);
  return load.total / took;
}

/** Produces all of it over these connections; batches a second. */
export async function produceAll(
  load: Load,
  batches: Buffer[],
  topic: string,
  connections: RawConnection[],
): Promise<number> {
  const requests = Array.from({ length: batches.length * load.partitions }, (_, n) =>
    produceRequest(topic, n % load.partitions, batches[n % batches.length]!),
  );
  const check = checkProduced(topic);
  let sent = 0;
  const next = () => (sent < load.total ? requests[sent++ % requests.length]! : null);
  const took = await seconds(async () => {
    await Promise.all(connections.map((connection) => connection.run(load.depth, next, check)));
  });
  return load.total / took;
}

export function batchesOf(load: Load): Buffer[] {
  return Array.from({ length: 8 }, (_, seed) =>
    buildBatch(load.batchBytes, load.recordBytes, seed + 1),
  );
}

export function openMany(port: number, count: number, host?: string): Promise<RawConnection[]> {
  return Promise.all(Array.from({ length: count }, () => RawConnection.open(port, host)));
}

function compare(load: Load, batchBytes: number, sluice: number, peer: number): Measurement {
  const factor = load.perSecond === 'bytes' ? batchBytes / 1e6 : 1;
  const ratio = sluice / peer;
  return {
    name: load.name,
    unit: load.perSecond === 'bytes' ? 'MB/s' : 'records/s',
    sluice: sluice * factor,
    peer: peer * factor,
    peerName: 'bare XADD, ioredis',
    ratio,
    target: `ratio at least ${load.target}`,
    met: ratio >= load.target,
  };
}
