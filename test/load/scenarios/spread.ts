import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { BenchContext, Measurement } from '../bench-context';
import { RawConnection } from '../raw-connection';
import {
  askForTopic,
  checkProduced,
  countBrokers,
  deleteTopic,
  leaderPorts,
  produceRequest,
  untilServed,
} from '../requests';
import { startRedisCluster } from '../servers';
import { median, seconds } from '../stats';
import { batchesOf, largeBatches, singleRecords, type Load } from './produce';

/** Three gateways, three primaries, the tool, and as many processors to spare. */
const processorsAsked = 12;
const brokersWaitMsMax = 30_000;
const partitions = 12;
const peerName = 'one gateway, one Redis';

/** Gateways and what they have below them. */
interface Arrangement {
  name: string;
  gateways: number;
  /** How many primaries share the slots; 0: one Redis, no cluster. */
  primaries: number;
}

const arrangements: readonly Arrangement[] = [
  { name: peerName, gateways: 1, primaries: 0 },
  { name: 'three gateways, one Redis', gateways: 3, primaries: 0 },
  { name: 'one gateway, Redis Cluster of three', gateways: 1, primaries: 3 },
  { name: 'three gateways, Redis Cluster of three', gateways: 3, primaries: 3 },
];

/** A load that is the same for each partition, whoever leads it. */
interface SpreadLoad extends Load {
  /** Connections to the leader of each partition. */
  lanes: number;
}

/** What one round has cost. */
interface Cost {
  perSecond: number;
  /** For each batch: commands that Redis has run, those of scripts among them. */
  commands: number;
  /** For each batch: calls of scripts, and transactions. */
  calls: number;
  /** For each batch: bytes that Redis was sent. */
  bytes: number;
  /** For each batch: processor time of Redis, in microseconds. */
  microseconds: number;
}

/**
 * What the same load costs with more gateways, and with a Redis Cluster below them: each partition
 * is written over as many connections, with as many requests under way, to whoever leads it. On few
 * processors rates say nothing of what is gained, so what Redis is asked for is counted.
 */
export async function measureSpread(context: BenchContext): Promise<Measurement[]> {
  const loads = [
    { ...singleRecords(context), lanes: 5 },
    { ...largeBatches(context), lanes: 1 },
  ];
  const found = new Map<Arrangement, Cost[]>();
  for (const arrangement of arrangements) {
    found.set(arrangement, await measureArrangement(context, arrangement, loads));
  }
  const peers = found.get(arrangements[0]!)!;
  return loads.flatMap((load, at) =>
    arrangements.slice(1).flatMap((one) => compare(load, one, found.get(one)![at]!, peers[at]!)),
  );
}

async function measureArrangement(
  context: BenchContext,
  { name, gateways, primaries }: Arrangement,
  loads: readonly SpreadLoad[],
): Promise<Cost[]> {
  const cluster = primaries === 0 ? null : await startRedisCluster(context.aof, primaries);
  const redises = cluster?.servers.map(({ redis }) => redis) ?? [context.redis];
  try {
    const ports: number[] = [];
    for (let n = 0; n < gateways; n++) ports.push(await context.startGateway(cluster?.url));
    const costs: Cost[] = [];
    for (const load of loads) {
      context.progress(`${load.name}: ${name}`);
      costs.push(await measureLoad(context, load, ports, redises));
    }
    return costs;
  } finally {
    await context.stopGateway();
    if (cluster === null) await context.redis.flushall();
    await Promise.all(cluster?.servers.map((server) => server.stop()) ?? []);
  }
}

/** Medians of the rounds; the first is not counted. */
async function measureLoad(
  { rounds }: BenchContext,
  load: SpreadLoad,
  ports: readonly number[],
  redises: readonly Redis[],
): Promise<Cost> {
  const first = await RawConnection.open(ports[0]!);
  const costs: Cost[] = [];
  for (let round = 0; round <= rounds; round++) {
    await untilJoined(first, ports.length);
    const topic = `bench-spread-${load.lanes}-${round}`;
    await askForTopic(first, topic, partitions);
    const lanes = await openLanes(first, topic, load.lanes);
    const before = await countersOf(redises);
    const took = await seconds(() => writeAll(load, topic, lanes));
    const after = await countersOf(redises);
    const each = (of: (counters: Counters) => number) => (of(after) - of(before)) / load.total;
    costs.push({
      perSecond: load.total / took,
      commands: each(({ commands }) => commands),
      calls: each(({ calls }) => calls),
      bytes: each(({ bytes }) => bytes),
      microseconds: each(({ microseconds }) => microseconds),
    });
    for (const { connection } of lanes) connection.close();
    await deleteTopic(first, topic);
  }
  first.close();
  const middle = (of: (cost: Cost) => number) => median(costs.slice(1).map(of));
  return {
    perSecond: middle(({ perSecond }) => perSecond),
    commands: middle(({ commands }) => commands),
    calls: middle(({ calls }) => calls),
    bytes: middle(({ bytes }) => bytes),
    microseconds: middle(({ microseconds }) => microseconds),
  };
}

async function untilJoined(connection: RawConnection, gateways: number): Promise<void> {
  const until = performance.now() + brokersWaitMsMax;
  while ((await countBrokers(connection)) !== gateways) {
    if (performance.now() > until) throw new Error(`the ${gateways} gateways are not a cluster`);
    await sleep(100);
  }
}

/** A connection to the leader of a partition. */
interface Lane {
  connection: RawConnection;
  partition: number;
}

async function openLanes(first: RawConnection, topic: string, each: number): Promise<Lane[]> {
  const lanes: Lane[] = [];
  const leaders: RawConnection[] = [];
  for (const [partition, port] of (await leaderPorts(first, topic)).entries()) {
    for (let n = 0; n < each; n++) {
      const connection = await RawConnection.open(port);
      lanes.push({ connection, partition });
      leaders[partition] = connection;
    }
  }
  await untilServed(topic, leaders);
  return lanes;
}

async function writeAll(load: SpreadLoad, topic: string, lanes: readonly Lane[]): Promise<void> {
  const batches = batchesOf(load);
  const check = checkProduced(topic);
  const depth = Math.ceil((load.connections * load.depth) / lanes.length);
  let sent = 0;
  const run = ({ connection, partition }: Lane): Promise<void> => {
    const requests = batches.map((batch) => produceRequest(topic, partition, batch));
    const next = () => (sent < load.total ? requests[sent++ % requests.length]! : null);
    return connection.run(depth, next, check);
  };
  await Promise.all(lanes.map(run));
}

/** What all of the servers together have done since they were started. */
interface Counters {
  commands: number;
  calls: number;
  bytes: number;
  microseconds: number;
}

async function countersOf(redises: readonly Redis[]): Promise<Counters> {
  const counters: Counters = { commands: 0, calls: 0, bytes: 0, microseconds: 0 };
  for (const redis of redises) {
    const info = await redis.info('everything');
    const of = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)![1]);
    counters.bytes += of('total_net_input_bytes');
    counters.microseconds += 1e6 * (of('used_cpu_user') + of('used_cpu_sys'));
    for (const [, name, calls] of info.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)) {
      counters.commands += Number(calls);
      if (/^(evalsha|eval|exec)$/.test(name!)) counters.calls += Number(calls);
    }
  }
  return counters;
}

function compare(load: Load, { name, primaries }: Arrangement, cost: Cost, peer: Cost) {
  const title = `${load.name}: ${name}`;
  const row = (what: string, unit: string, of: (cost: Cost) => number): Measurement => {
    const [sluice, beside] = [of(cost), of(peer)];
    const ratio = sluice / beside;
    return { name: `${title}, ${what}`, unit, sluice, peer: beside, peerName, ratio };
  };
  const isBytes = load.perSecond === 'bytes';
  const unit = isBytes ? 'batches/s' : 'records/s';
  const each = isBytes ? 'a batch' : 'a record';
  const rate = row('rate', unit, ({ perSecond }) => perSecond);
  const commands = row(`Redis commands ${each}`, '', ({ commands: count }) => count);
  const isRateJudged = primaries > 0 && cpus().length >= processorsAsked;
  return [
    judged(rate, isRateJudged ? 'ratio at least 2' : null, (ratio) => ratio >= 2),
    judged(commands, primaries === 0 ? 'ratio at most 1.05' : null, (ratio) => ratio <= 1.05),
    row(`scripts and transactions ${each}`, '', ({ calls }) => calls),
    row(`bytes to Redis ${each}`, 'B', ({ bytes }) => bytes),
    row(`processor time of Redis ${each}`, 'µs', ({ microseconds }) => microseconds),
  ];
}

function judged(
  one: Measurement,
  target: string | null,
  isMet: (ratio: number) => boolean,
): Measurement {
  return target === null ? one : { ...one, target, met: isMet(one.ratio!) };
}
