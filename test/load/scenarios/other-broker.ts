import type { BenchContext, Measurement } from '../bench-context';
import { RawConnection } from '../raw-connection';
import {
  buildBatch,
  checkProduced,
  countBrokers,
  createTopic,
  deleteTopic,
  produceRequest,
} from '../requests';
import { median, percentile, seconds } from '../stats';
import { fillTopic, readOnce } from './fetch';
import { atFixedRate, ratePerSecond, shares, warmUpRecords } from './latency';
import { batchesOf, largeBatches, openMany, produceAll, singleRecords, type Load } from './produce';

/** What a scenario may take; a broker that hangs must not hang the bench. */
const scenarioMsMax = 10 * 60_000;
/** One pass over what was written takes too little time to be measured. */
const readPasses = 4;
const partitions = 4;

/** Where a broker listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** One of the two that take turns. */
interface Side {
  readonly endpoint: Endpoint;
  readonly topic: string;
}

interface Sides {
  readonly sluice: Side;
  readonly other: Side;
}

type Scenario = (context: BenchContext, sides: Sides) => Promise<Measurement[]>;

/** What can be asked of any broker; the names are those of the comparisons with bare Redis. */
export const brokerScenarios: Readonly<Record<string, Scenario>> = {
  produce: (context, sides) => measureProduce(context, sides, largeBatches(context)),
  single: (context, sides) => measureProduce(context, sides, singleRecords(context)),
  fetch: measureFetch,
  latency: measureLatency,
};

/**
 * Sends the same requests to a gateway and to another broker, in turns. Each scenario has a topic
 * of its own on both, which is deleted at its end, come what may.
 *
 * @param other the only broker of its cluster, so that it leads every partition
 * @param names of `brokerScenarios`
 */
export async function measureBesideBroker(
  context: BenchContext,
  other: Endpoint,
  names: readonly string[],
): Promise<Measurement[]> {
  await connected(other, async (connection) => {
    const brokers = await countBrokers(connection);
    if (brokers === 1) return;
    throw new Error(`the bench drives one broker, and that cluster has ${brokers}`);
  });
  const results: Measurement[] = [];
  for (const name of names) results.push(...(await measureOne(context, other, name)));
  return results;
}

async function measureOne(
  context: BenchContext,
  other: Endpoint,
  name: string,
): Promise<Measurement[]> {
  context.progress(`${name}, beside ${other.host}:${other.port}`);
  const topic = `sluice-bench-${name}-${process.pid}`;
  const gateway = { host: '127.0.0.1', port: await context.startGateway() };
  const sides = { sluice: { endpoint: gateway, topic }, other: { endpoint: other, topic } };
  const create = (connection: RawConnection) => createTopic(connection, topic, partitions);
  try {
    for (const endpoint of [gateway, other]) await connected(endpoint, create);
    try {
      return await withinTime(brokerScenarios[name]!(context, sides), name, context.interrupted);
    } finally {
      await connected(other, (connection) => deleteTopic(connection, topic));
    }
  } finally {
    await context.stopGateway();
    await context.redis.flushall();
  }
}

/** Both do all of it once without being counted: what a process does first it does slowly. */
async function inTurns(
  { rounds }: BenchContext,
  { sluice, other }: Sides,
  turn: (side: Side) => Promise<number>,
): Promise<{ sluice: number; other: number }> {
  const rates = { sluice: [] as number[], other: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    rates.other.push(await turn(other));
    rates.sluice.push(await turn(sluice));
  }
  return { sluice: median(rates.sluice.slice(1)), other: median(rates.other.slice(1)) };
}

async function measureProduce(
  context: BenchContext,
  sides: Sides,
  load: Load,
): Promise<Measurement[]> {
  const batches = batchesOf(load);
  const rates = await inTurns(context, sides, async ({ endpoint: { host, port }, topic }) => {
    const connections = await openMany(port, load.connections, host);
    try {
      return await produceAll(load, batches, topic, connections);
    } finally {
      for (const connection of connections) connection.close();
    }
  });
  const bytes = load.perSecond === 'bytes';
  const factor = bytes ? batches[0]!.length / 1e6 : 1;
  return [comparison(load.name, bytes ? 'MB/s' : 'records/s', rates, sides, factor)];
}

/** Reads what was just written: from memory, on both sides. */
async function measureFetch(context: BenchContext, sides: Sides): Promise<Measurement[]> {
  const batches = context.quick ? 320 : 640;
  for (const { endpoint, topic } of [sides.sluice, sides.other]) {
    await connected(endpoint, (connection) => fillTopic(connection, topic, batches));
  }
  const rates = await inTurns(context, sides, ({ endpoint, topic }) =>
    connected(endpoint, async (connection) => {
      let bytes = 0;
      const took = await seconds(async () => {
        for (let pass = 0; pass < readPasses; pass++) {
          bytes += await readOnce(connection, topic, batches);
        }
      });
      return bytes / took;
    }),
  );
  return [comparison('fetch, just written, 64 KiB batches', 'MB/s', rates, sides, 1e-6)];
}

async function measureLatency(context: BenchContext, sides: Sides): Promise<Measurement[]> {
  const perTurn = Math.ceil((context.quick ? 3_000 : 15_000) / context.rounds);
  for (const side of [sides.other, sides.sluice]) await latencies(side, warmUpRecords);
  const took = { sluice: [] as number[], other: [] as number[] };
  for (let round = 0; round < context.rounds; round++) {
    took.other.push(...(await latencies(sides.other, perTurn)));
    took.sluice.push(...(await latencies(sides.sluice, perTurn)));
  }
  return shares.map(([name, share]) => {
    const at = { sluice: percentile(took.sluice, share), other: percentile(took.other, share) };
    const what = `latency ${name}, single records at ${ratePerSecond}/s, acks=1`;
    return comparison(what, 'ms', at, sides, 1);
  });
}

/** Milliseconds of each of so many single records. */
function latencies({ endpoint, topic }: Side, records: number): Promise<number[]> {
  return connected(endpoint, (connection) => {
    const request = produceRequest(topic, 0, buildBatch(0, 100, 1));
    const check = checkProduced(topic);
    return atFixedRate(records, async () => check(await connection.ask(request)));
  });
}

function comparison(
  name: string,
  unit: string,
  { sluice, other }: { sluice: number; other: number },
  { other: { endpoint } }: Sides,
  factor: number,
): Measurement {
  const peerName = `the broker at ${endpoint.host}:${endpoint.port}`;
  const ratio = sluice / other;
  return { name, unit, sluice: sluice * factor, peer: other * factor, peerName, ratio };
}

async function connected<T>(
  { host, port }: Endpoint,
  use: (connection: RawConnection) => Promise<T>,
): Promise<T> {
  const connection = await RawConnection.open(port, host);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

async function withinTime<T>(
  work: Promise<T>,
  name: string,
  interrupted: Promise<never>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const minutes = scenarioMsMax / 60_000;
    const error = new Error(`${name} was not done within ${minutes} minutes`);
    timer = setTimeout(() => reject(error), scenarioMsMax);
  });
  return Promise.race([work, late, interrupted]).finally(() => clearTimeout(timer));
}
