import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { silentLogger, systemClock, type Logger } from '@sluice/base';
import {
  applyFindings,
  checkProducedBatch,
  compressionOf,
  decodeBatch,
  encodeBatch,
  RecordsError,
  type CompressionName,
  type ExamineRules,
  type Findings,
} from '@sluice/records';
import { eventually } from '@sluice/test/support/eventually';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { limits } from '../limits';
import { NotExamined } from './examination';
import { Examiner } from './examiner';

const MiB = 1024 * 1024;
const packed: CompressionName[] = ['gzip', 'snappy', 'lz4', 'zstd'];
const anything: ExamineRules = {
  keysRequired: false,
  earliestMs: -Infinity,
  latestMs: Infinity,
  recordBytesMax: Infinity,
  decompressedBytesMax: 64 * MiB,
  compression: null,
};

let examiner: Examiner;
let errors: string[];

beforeEach(() => {
  errors = [];
  // Threads start slowly here, for their sources are compiled first.
  jest.replaceProperty(limits as Record<string, number>, 'examineMsMax', 60_000);
  const log: Logger = { ...silentLogger, error: (message) => errors.push(message) };
  examiner = new Examiner({ clock: systemClock, log });
});
afterEach(async () => {
  await examiner.stop();
  jest.restoreAllMocks();
});

/** A batch of so many bytes before it is compressed; noise, so that it does not get small. */
function noise(bytes: number, compression: CompressionName): Buffer {
  const value = randomBytes(bytes);
  return encodeBatch({ compression, records: [2, 9, 5].map((at) => ({ timestampMs: at, value })) });
}

function examine(batch: Buffer, rules: Partial<ExamineRules> = {}, untilMs = Infinity) {
  return examiner.examine(batch, checkProducedBatch(batch), { ...anything, ...rules }, untilMs);
}

describe.each(packed)('batches of %s', (compression) => {
  it('are examined at once where they are small', () => {
    const findings = examine(noise(1000, compression));
    expect(findings).toEqual({ largestTimestampMs: 9, repacked: null });
    expect(examiner.threadCount).toBe(0);
  });

  it('are examined on a thread where they are large, or become so', async () => {
    const zeros = [{ timestampMs: 4, value: Buffer.alloc(MiB) }];
    for (const batch of [
      noise(60_000, compression),
      encodeBatch({ compression, records: zeros }),
    ]) {
      const before = Buffer.from(batch);
      const findings = examine(batch);
      expect(findings).toBeInstanceOf(Promise);
      const largestTimestampMs = checkProducedBatch(before).maxTimestampMs;
      expect(await findings).toEqual({ largestTimestampMs, repacked: null });
      expect(batch.equals(before)).toBe(true);
    }
  });

  it('are refused by a thread as they are here', async () => {
    const batch = noise(60_000, compression);
    const refused = examine(batch, { keysRequired: true }) as Promise<unknown>;
    const error = await refused.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RecordsError);
    expect(error).toMatchObject({ code: 'invalid-record' });
    expect((error as RecordsError).faults.map(({ index }) => index)).toEqual([0, 1, 2]);
    const tooLarge = examine(batch, { decompressedBytesMax: 1000 });
    await expect(tooLarge).rejects.toMatchObject({ code: 'too-large' });
  });

  it('come back from a thread in the compression that is wanted', async () => {
    const batch = noise(60_000, compression);
    const header = checkProducedBatch(batch);
    const decoded = decodeBatch(batch);
    const wanted = compression === 'lz4' ? 'zstd' : 'lz4';
    const findings = await examine(batch, { compression: wanted });
    const result = applyFindings(batch, header, findings, wanted);
    expect(compressionOf(checkProducedBatch(result).attributes)).toBe(wanted);
    // Jest's own comparison takes long for large buffers.
    expect(isDeepStrictEqual(decodeBatch(result), decoded)).toBe(true);
  });
});

it('has no more threads than it may, and each takes one batch after the other', async () => {
  const batches = packed.flatMap((name) => [noise(50_000, name), noise(90_000, name)]);
  const found = await Promise.all(batches.map((batch) => examine(batch)));
  expect(found.map(({ largestTimestampMs }) => largestTimestampMs)).toEqual(batches.map(() => 9));
  expect(examiner.threadCount).toBe(limits.examineThreadsMax);
});

it('leaves plain batches alone, but for those that are to be compressed', async () => {
  const batch = noise(60_000, 'none');
  expect(examine(batch, {}, -Infinity)).toEqual({ largestTimestampMs: 9, repacked: null });
  const findings = await examine(batch, { compression: 'zstd' });
  expect(findings.repacked!.length).toBeGreaterThan(60_000);
});

it('opens small ones on threads too, once they have taken the time of a turn', async () => {
  const clock = new FakeClock();
  const shared = new Examiner({ clock, log: silentLogger });
  const batch = noise(1000, 'gzip');
  const again = () => shared.examine(batch, checkProducedBatch(batch), anything, Infinity);
  expect(again()).not.toBeInstanceOf(Promise);
  clock.advance(limits.examineAtOnceMsMax);
  const later = again();
  expect(later).toBeInstanceOf(Promise);
  expect(await later).toEqual({ largestTimestampMs: 9, repacked: null });
  // Another turn of the event loop.
  expect(again()).not.toBeInstanceOf(Promise);
  await shared.stop();
});

it('does not begin what comes too late', async () => {
  const clock = new FakeClock();
  const late = new Examiner({ clock, log: silentLogger });
  const batch = noise(60_000, 'zstd');
  const header = checkProducedBatch(batch);
  const nowMs = clock.monotonicMs();
  expect(() => late.examine(batch, header, anything, nowMs - 1)).toThrow(NotExamined);
  const all = Array.from({ length: limits.examineThreadsMax + 1 }, () =>
    Promise.resolve(late.examine(batch, header, anything, nowMs)).then(
      () => 'done',
      (error: Error) => error.name,
    ),
  );
  clock.advance(1);
  const outcomes = await Promise.all(all);
  expect(outcomes).toEqual([...outcomes.slice(1).map(() => 'done'), 'NotExamined']);
  await late.stop();
});

it('replaces a thread that takes too long, and says so', async () => {
  const clock = new FakeClock();
  const log: Logger = { ...silentLogger, error: (message) => errors.push(message) };
  const slow = new Examiner({ clock, log });
  const batch = noise(60_000, 'gzip');
  const header = checkProducedBatch(batch);
  const stuck = slow.examine(batch, header, anything, Infinity) as Promise<unknown>;
  clock.advance(limits.examineMsMax);
  await expect(stuck).rejects.toThrow(NotExamined);
  expect(errors).toHaveLength(1);
  expect(slow.threadCount).toBe(0);
  const next = await slow.examine(batch, header, anything, Infinity);
  expect(next.largestTimestampMs).toBe(9);
  await slow.stop();
});

it('replaces a thread that dies', async () => {
  const batch = noise(60_000, 'gzip');
  // No header has such a count: what examines it there fails with an error of its own.
  const header = { ...checkProducedBatch(batch), recordCount: 3n as unknown as number };
  const broken = examiner.examine(batch, header, anything, Infinity) as Promise<unknown>;
  await expect(broken).rejects.toThrow(NotExamined);
  await eventually(() => errors.length === 1);
  expect((await examine(batch)).largestTimestampMs).toBe(9);
});

it('leaves nothing pending when it stops', async () => {
  const batches = Array.from({ length: 5 }, () => noise(60_000, 'zstd'));
  const outcomes = batches.map((batch) =>
    Promise.resolve(examine(batch)).catch((error: Error) => error.name),
  );
  await examiner.stop();
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['NotExamined']));
  expect(() => examine(batches[0]!)).toThrow(NotExamined);
  expect(examiner.threadCount).toBe(0);
});

describe('batches that are compressed anew and not let go yet', () => {
  const repackedBytes = 16 * MiB;
  const large = encodeBatch({
    compression: 'gzip',
    records: [{ timestampMs: 1, value: Buffer.alloc(repackedBytes) }],
  });
  const small = noise(1000, 'gzip');
  const count = limits.repackedBytesMax / repackedBytes + limits.examineThreadsMax;

  /** Examines more than there is room for; tells what has been found so far. */
  async function fill(): Promise<Findings[]> {
    const found: Findings[] = [];
    for (let n = 0; n < count + 3; n++) {
      void Promise.resolve(examine(large, { compression: 'none' })).then(
        (findings) => found.push(findings),
        () => undefined,
      );
    }
    await eventually(() => found.length * repackedBytes >= limits.repackedBytesMax);
    return found;
  }

  it('keep others from being opened, until they are let go', async () => {
    const found = await fill();
    // Answered by the same threads, after all that they had begun.
    const behind = examine(noise(60_000, 'gzip')) as Promise<Findings>;
    const foundBehind = new Set<Findings>();
    void behind.then((findings) => foundBehind.add(findings));
    await eventually(() => !examiner.busy);
    expect(found.length).toBeLessThanOrEqual(count);
    expect(foundBehind.size).toBe(0);
    await eventually(() => {
      for (const findings of found.splice(0)) examiner.letGo(findings);
      return foundBehind.size === 1;
    });
  });

  it('are not joined by small ones past those who wait', async () => {
    const found = await fill();
    const last = examine(small, { compression: 'none' });
    expect(last).toBeInstanceOf(Promise);
    (last as Promise<Findings>).catch(() => undefined);
    // Those that stay as they are need no room.
    expect(examine(small)).not.toBeInstanceOf(Promise);
    examiner.letGo(found[0]!);
  });
});
