import type { BenchContext, Measurement } from '../bench-context';
import { RawConnection } from '../raw-connection';
import {
  buildBatch,
  checkProduced,
  createTopic,
  fetchedRecords,
  fetchRequest,
  produceRequest,
} from '../requests';
import { median, seconds } from '../stats';

const topic = 'bench-fetch';
const batchBytes = 64 * 1024;
/** What Kafka's clients ask of one partition by default (max.partition.fetch.bytes). */
const fetchBytes = 1024 * 1024;

/** Rounds that do not count: a round is short, and the gateways have just started. */
const warmUpRounds = 4;
/** How often the hot tail is read in one round: once takes too little time to be measured. */
const hotPasses = 8;

/**
 * Reads a partition from its start, one fetch after the other as a consumer does, against XRANGE of
 * the same entries in portions of the same size: what is not hot (a gateway that was started after
 * it was written), and what is. What a process does first it does slowly, so first all of them read
 * untimed.
 */
export async function measureFetch(context: BenchContext): Promise<Measurement[]> {
  context.progress('fetch, 64 KiB batches');
  const batches = context.quick ? 800 : 3_200;
  // The hot tail is smaller than the gateway's memory for it (64 MiB by default).
  const hotBatches = 640;
  const cold: number[] = [];
  const hot: number[] = [];
  const bare: number[] = [];
  await context.redis.flushall();
  await fill(await context.startGateway(), batches);
  await context.stopGateway();
  const port = await context.startGateway();
  for (let round = 0; round < warmUpRounds + context.rounds; round++) {
    cold.push(await readThroughGateway(port, { batches, passes: 1 }));
    bare.push(await readBare(context, batches));
  }
  await context.stopGateway();
  await context.redis.flushall();
  const hotPort = await context.startGateway();
  await fill(hotPort, hotBatches);
  for (let round = 0; round < warmUpRounds + context.rounds; round++) {
    hot.push(await readThroughGateway(hotPort, { batches: hotBatches, passes: hotPasses }));
  }
  await context.stopGateway();
  await context.redis.flushall();
  const peer = median(bare.slice(warmUpRounds));
  return [
    compare('fetch, not hot, 64 KiB batches', median(cold.slice(warmUpRounds)), peer, 0.7),
    compare('fetch, hot tail, 64 KiB batches', median(hot.slice(warmUpRounds)), peer, 1),
  ];
}

async function fill(port: number, batches: number): Promise<void> {
  const connection = await RawConnection.open(port);
  await createTopic(connection, topic, 1);
  await fillTopic(connection, topic, batches);
  connection.close();
}

/** Writes so many batches of 64 KiB to partition 0. */
export async function fillTopic(
  connection: RawConnection,
  name: string,
  batches: number,
): Promise<void> {
  const requests = Array.from({ length: 8 }, (_, seed) =>
    produceRequest(name, 0, buildBatch(batchBytes, 100, seed + 1)),
  );
  let sent = 0;
  const next = () => (sent < batches ? requests[sent++ % requests.length]! : null);
  await connection.run(16, next, checkProduced(name));
}

/** Bytes a second. */
async function readThroughGateway(
  port: number,
  { batches, passes }: { batches: number; passes: number },
): Promise<number> {
  const connection = await RawConnection.open(port);
  let bytes = 0;
  const took = await seconds(async () => {
    for (let pass = 0; pass < passes; pass++) bytes += await readOnce(connection, topic, batches);
  });
  connection.close();
  return bytes / took;
}

/** Reads so many batches from the start of partition 0; returns their bytes. */
export async function readOnce(
  connection: RawConnection,
  name: string,
  batches: number,
): Promise<number> {
  let [offset, bytes, seen] = [0, 0, 0];
  while (seen < batches) {
    const reply = await connection.ask(fetchRequest(name, 0, offset, fetchBytes));
    const records = fetchedRecords(reply);
    // A broker may end its reply within a batch, which comes whole with the next fetch.
    for (let at = 0; at + 61 <= records.length; seen++) {
      const end = at + 12 + records.readInt32BE(at + 8);
      if (end > records.length) break;
      offset = records.readUIntBE(at + 2, 6) + records.readInt32BE(at + 23) + 1;
      bytes += end - at;
      at = end;
    }
  }
  return bytes;
}

/** Bytes a second. */
async function readBare({ redis }: BenchContext, batches: number): Promise<number> {
  const [key] = await redis.keys('*:log');
  const count = Math.floor(fetchBytes / batchBytes);
  let last = '-';
  let bytes = 0;
  let seen = 0;
  const took = await seconds(async () => {
    while (seen < batches) {
      const entries = await redis.xrangeBuffer(key!, last, '+', 'COUNT', count);
      for (const [, fields] of entries) bytes += fields[1]!.length;
      last = `(${entries.at(-1)![0].toString()}`;
      seen += entries.length;
    }
  });
  return bytes / took;
}

function compare(name: string, sluice: number, peer: number, target: number): Measurement {
  const ratio = sluice / peer;
  return {
    name,
    unit: 'MB/s',
    sluice: sluice / 1e6,
    peer: peer / 1e6,
    peerName: 'bare XRANGE, ioredis',
    ratio,
    target: `ratio ${target === 1 ? 'above' : 'at least'} ${target}`,
    met: target === 1 ? ratio > 1 : ratio >= target,
  };
}
