import {
  applyFindings,
  batchHeaderBytes,
  checkProducedBatch,
  encodeBatch,
  examineRecords,
  type CompressionName,
} from '@sluice/records';
import type { BenchContext, Measurement } from '../bench-context';
import { median } from '../stats';

const KiB = 1024;
const codecs: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const rules = {
  keysRequired: false,
  earliestMs: -Infinity,
  latestMs: Infinity,
  recordBytesMax: Infinity,
  decompressedBytesMax: 64 * KiB * KiB,
  compression: null,
};

/**
 * What it costs to examine the records of a produced batch, on one thread, beside what is done with
 * every batch before that: its CRC and its header. Bytes are those of the records before they are
 * compressed, JSON of about 100 bytes a record. No Redis and no gateway take part.
 */
export function measureExamine({ quick, rounds, progress }: BenchContext): Measurement[] {
  const sizes = [1, 16, 64, 1024].map((size) => size * KiB);
  const roundMs = quick ? 50 : 300;
  return codecs.flatMap((codec) => {
    progress(`examine: ${codec}`);
    return sizes.map((plainBytes) => {
      const batch = batchOf(plainBytes, codec);
      const header = checkProducedBatch(batch);
      const examine = () => {
        const found = examineRecords(batch, batchHeaderBytes, checkProducedBatch(batch), rules);
        applyFindings(batch, header, found, null);
      };
      const without: number[] = [];
      const withIt: number[] = [];
      for (let round = 0; round < rounds; round++) {
        without.push(microseconds(() => checkProducedBatch(batch), roundMs));
        withIt.push(microseconds(examine, roundMs));
      }
      return {
        name: `examine, ${codec}, ${plainBytes / KiB} KiB that came as ${batch.length} B`,
        unit: 'µs of CPU',
        sluice: median(withIt),
        peer: median(without),
        peerName: 'CRC and header alone',
        ratio: median(withIt) / median(without),
      };
    });
  });
}

/** Records of JSON, about as compressible as events are, that make so many bytes together. */
function batchOf(plainBytes: number, compression: CompressionName): Buffer {
  const records = [];
  for (let bytes = 0, index = 0; bytes < plainBytes; index++) {
    const user = (index * 7919) % 10_007;
    const digits = ((index * 2_654_435_761) % 2 ** 32).toString(36);
    const path = `/a/${(index * 31) % 997}`;
    const text = JSON.stringify({ id: index, user: `u${user}`, path, v: digits });
    records.push({
      key: Buffer.from(`u${user}`),
      value: Buffer.from(text.padEnd(90, ' ')),
      timestampMs: 1_800_000_000_000 + index * 3,
    });
    bytes += 104;
  }
  return encodeBatch({ records, compression });
}

/**
 * The processor time of one run, in a round of so many milliseconds after one that is not counted.
 * Processor time, because it hardly changes with what else the machine does.
 */
function microseconds(run: () => unknown, roundMs: number): number {
  runFor(run, roundMs / 4);
  const before = process.cpuUsage();
  const runs = runFor(run, roundMs);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / runs;
}

/** Runs it for so long, and says how many times that was. */
function runFor(run: () => unknown, ms: number): number {
  const start = performance.now();
  let runs = 0;
  while (performance.now() - start < ms) {
    for (let i = 0; i < 10; i++) run();
    runs += 10;
  }
  return runs;
}
