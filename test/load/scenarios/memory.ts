import type { BenchContext, Measurement } from '../bench-context';
import { RawConnection } from '../raw-connection';
import { buildBatch, checkProduced, createTopic, produceRequest } from '../requests';

const KiB = 1024;
const ratioMax = 1.08;
const recordBytes = 100;

/**
 * Redis' own count of its memory (used_memory), divided by the batches' bytes and by the records.
 */
export async function measureMemory(context: BenchContext): Promise<Measurement[]> {
  const sizes = [0, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB];
  const results: Measurement[] = [];
  for (const batchBytes of sizes) {
    context.progress(`memory, batches of ${batchBytes || 'one record'}`);
    results.push(await measureSize(context, batchBytes));
  }
  return results;
}

async function measureSize(context: BenchContext, batchBytes: number): Promise<Measurement> {
  const { redis } = context;
  await redis.flushall();
  const topic = 'bench-memory';
  const batch = buildBatch(batchBytes, recordBytes, 1);
  const records = batch.readInt32BE(57);
  const port = await context.startGateway();
  const connection = await RawConnection.open(port);
  await createTopic(connection, topic, 1);
  const before = await usedMemory(context);
  const total = Math.max(64, Math.min(50_000, Math.floor(50_000_000 / batch.length)));
  const request = produceRequest(topic, 0, batch);
  let sent = 0;
  await connection.run(32, () => (sent++ < total ? request : null), checkProduced(topic));
  const bytes = (await usedMemory(context)) - before;
  connection.close();
  await context.stopGateway();
  await redis.flushall();
  const ratio = bytes / (batch.length * total);
  const size = batchBytes === 0 ? 'single records' : `${batchBytes / KiB} KiB batches`;
  const asked = batchBytes >= 16 * KiB;
  return {
    name: `Redis memory a record of ${recordBytes} B, ${size}`,
    unit: 'B',
    sluice: bytes / (records * total),
    peer: batch.length / records,
    peerName: "the batches' own bytes",
    ratio,
    ...(asked ? { target: `ratio at most ${ratioMax}`, met: ratio <= ratioMax } : {}),
  };
}

async function usedMemory({ redis }: BenchContext): Promise<number> {
  const info = await redis.info('memory');
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}
