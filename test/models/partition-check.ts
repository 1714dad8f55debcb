import type { PartitionKeys } from '@sluice/log';
import { isControl, readBatchHeader } from '@sluice/records';
import type { Redis } from '@sluice/redis';

/** An entry of a partition's stream, taken apart. */
interface Entry {
  id: string;
  lastOffset: number;
  runningMaxMs: number;
  bytes: Buffer;
}

/**
 * Looks at all that Redis holds of one partition and says what does not fit together; an empty list
 * is good news. Reads everything: for tests and for repair, not for service. Nobody may write
 * meanwhile.
 */
export async function checkPartition(redis: Redis, keys: PartitionKeys): Promise<string[]> {
  const meta = await redis.hgetall(keys.meta);
  const entries = await readEntries(redis, keys.log);
  const producers = await redis.hgetallBuffer(keys.producers);
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  const [start, next] = [Number(meta['start']), Number(meta['next'])];
  expect(start >= 0 && start <= next, `log start ${start}, log end ${next}`);
  expect((await redis.exists(keys.open)) === 0, 'a transaction has left the stream renamed');
  checkEntries(entries, start, next, expect);
  await checkSpans(redis, keys, entries, expect);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
  expect(Number(meta['bytes']) === bytes, `meta has ${meta['bytes']} bytes, the stream ${bytes}`);
  const batches = entries.length;
  expect(Number(meta['batches']) === batches, `meta has ${meta['batches']} of ${batches} batches`);
  for (const entry of entries) {
    const { length } = entry.bytes;
    expect(length <= Number(meta['largest']), `${entry.id} is larger than the largest`);
    expect(entry.runningMaxMs <= Math.max(1, Number(meta['maxts'])), `${entry.id} is after maxts`);
  }
  for (const [id, value] of Object.entries(producers)) {
    if (id === 'format') continue;
    const last = lastBatchOf(value);
    expect(last.lastOffset < next, `producer ${id} has written beyond the log end`);
  }
  return problems;
}

function checkEntries(
  entries: readonly Entry[],
  start: number,
  next: number,
  expect: (holds: boolean, problem: string) => void,
): void {
  let previous: Entry | undefined;
  for (const entry of entries) {
    const header = readBatchHeader(entry.bytes);
    const baseOffset = entry.lastOffset - header.lastOffsetDelta;
    const before = previous?.lastOffset ?? baseOffset - 1;
    expect(baseOffset === before + 1, `${entry.id} begins at ${baseOffset}, after ${before}`);
    expect(header.batchLength + 12 === entry.bytes.length, `${entry.id} has a wrong length`);
    expect(entry.runningMaxMs >= header.maxTimestampMs, `${entry.id} holds a later record`);
    expect(entry.runningMaxMs >= (previous?.runningMaxMs ?? 1), `${entry.id} goes back in time`);
    previous = entry;
  }
  const first = entries[0];
  if (first === undefined || previous === undefined) {
    expect(start === next, `there is nothing between log start ${start} and log end ${next}`);
    return;
  }
  const baseOffset = first.lastOffset - readBatchHeader(first.bytes).lastOffsetDelta;
  expect(baseOffset <= start, `log start ${start} is before the first batch at ${baseOffset}`);
  expect(first.lastOffset >= start, `${first.id} is below log start ${start}`);
  expect(previous.lastOffset === next - 1, `the last batch is ${previous.id}, log end ${next}`);
}

/** What the spans say of the log has to be so; see scripts/include/spans.lua of libs/log. */
async function checkSpans(
  redis: Redis,
  { meta, spans }: PartitionKeys,
  entries: readonly Entry[],
  expect: (holds: boolean, problem: string) => void,
): Promise<void> {
  const gone = (await redis.hget(meta, 'gone')) ?? '0 0';
  let [bytes, batches] = gone.split(' ').map(Number) as [number, number];
  const left = [...entries];
  for (const [id, [, value]] of await redis.xrange(spans, '-', '+')) {
    const lastOffset = Number(id.split('-')[0]);
    const own: number[] = [];
    while (left[0] !== undefined && left[0].lastOffset <= lastOffset) {
      const entry = left.shift()!;
      const header = readBatchHeader(entry.bytes);
      bytes += entry.bytes.length;
      batches++;
      if (header.maxTimestampMs >= 0) own.push(header.maxTimestampMs);
      else if (!isControl(header.attributes)) own.push(Infinity);
    }
    const [bytesAt, batchesAt, largest] = value!.split(' ').map(Number);
    expect(own.length > 0, `span ${id} has nothing in it`);
    expect(bytesAt === bytes && batchesAt === batches, `span ${id} has a wrong size`);
    const told = largest === Number.MAX_SAFE_INTEGER ? Infinity : largest!;
    expect(told >= Math.max(...own), `span ${id} has a later record than ${largest}`);
  }
}

async function readEntries(redis: Redis, log: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let from = '-'; ;) {
    const page = await redis.xrangeBuffer(log, from, '+', 'COUNT', 100);
    for (const [rawId, fields] of page) {
      const id = rawId.toString();
      const [lastOffset, runningMaxMs] = id.split('-').map(Number);
      entries.push({
        id,
        lastOffset: lastOffset!,
        runningMaxMs: runningMaxMs!,
        bytes: fields[1]!,
      });
    }
    if (page.length === 0) return entries;
    from = `(${entries.at(-1)!.id}`;
  }
}

/** Of the last of the batches that a producer's value holds. */
function lastBatchOf(value: Buffer): { lastOffset: number } {
  const at = value.length - 16;
  const [first, last] = [value.readUInt32LE(at), value.readUInt32LE(at + 4)];
  const sequencesMax = 2 ** 31;
  const count = (last - first + sequencesMax) % sequencesMax;
  return { lastOffset: value.readDoubleLE(at + 8) + count };
}
