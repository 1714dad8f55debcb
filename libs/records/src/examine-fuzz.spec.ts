import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import {
  batchAround,
  pack,
  packings,
  rawBatch,
  rawRecord,
  reseal,
  varint,
  type RawRecord,
} from '@sluice/test/support/raw-batches';
import { compressionOf } from './attributes';
import { checkProducedBatch } from './check';
import { decodeBatch } from './decode';
import { RecordsError } from './errors';
import { applyFindings, examineRecords } from './examine';
import { batchHeaderBytes, field, readBatchHeader } from './header';

interface KafkajsRecord {
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
}
const KafkajsDecoder = jest.requireActual<new (buffer: Buffer) => object>(
  'kafkajs/src/protocol/decoder',
);
const kafkajsDecode = jest.requireActual<
  (decoder: object) => Promise<{ records: KafkajsRecord[] }>
>('kafkajs/src/protocol/recordBatch/v0/decoder');

const rules = {
  keysRequired: false,
  earliestMs: -Infinity,
  latestMs: Infinity,
  recordBytesMax: Infinity,
  decompressedBytesMax: 256 * 1024,
  compression: null,
};
/** What kafkajs can unpack by itself. */
const kafkajsReads = new Set(['none', 'gzip']);

/** What a gateway would store of a batch; null where it refuses it. */
function accepted(batch: Buffer): Buffer | null {
  try {
    const header = checkProducedBatch(batch);
    const findings = examineRecords(batch, batchHeaderBytes, header, rules);
    return applyFindings(batch, header, findings, null);
  } catch (error) {
    if (error instanceof RecordsError) return null;
    throw error;
  }
}

/** Our reader and that of kafkajs find in a stored batch just what its header says. */
async function requireReadable(batch: Buffer): Promise<void> {
  const header = readBatchHeader(batch);
  const records = decodeBatch(batch);
  expect(records).toHaveLength(header.recordCount);
  expect(records.every(({ offset }, index) => offset === index)).toBe(true);
  const largest = records.reduce((max, { timestampMs }) => Math.max(max, timestampMs), -1);
  expect(header.maxTimestampMs).toBe(largest);
  if (!kafkajsReads.has(compressionOf(header.attributes))) return;
  const { records: seen } = await kafkajsDecode(new KafkajsDecoder(Buffer.from(batch)));
  const expected = records.map(({ offset, timestampMs, key, value }) => ({
    offset: String(offset),
    timestamp: String(timestampMs),
    key,
    value,
  }));
  const told = seen.map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value }));
  // Jest's own comparison takes milliseconds for a large buffer.
  expect(isDeepStrictEqual(told, expected)).toBe(true);
}

const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array));
const rightRecord: fc.Arbitrary<RawRecord> = fc.record({
  timestampDelta: fc.oneof(fc.integer({ min: -5, max: 300 }), fc.maxSafeInteger()),
  key: fc.oneof(bytes, fc.constant(-1)),
  value: fc.oneof(bytes, fc.constant(-1), fc.constant(Buffer.alloc(3000, 'a'))),
});
const oddNumber = fc.oneof(fc.integer({ min: -3, max: 5 }), fc.integer());
const oddRecord: fc.Arbitrary<RawRecord> = fc.record(
  {
    lengthOff: fc.integer({ min: -2, max: 2 }),
    timestampDelta: fc.oneof(fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    offsetDelta: oddNumber,
    key: fc.oneof(bytes, oddNumber),
    value: fc.oneof(bytes, oddNumber),
    headerCount: oddNumber,
    headers: fc.oneof(bytes, fc.constant(Buffer.concat([varint(0), varint(-1)]))),
    trailing: bytes,
  },
  { requiredKeys: [] },
);
const packing = fc.constantFrom(...packings);
const time = fc.integer({ min: 0, max: 2 ** 42 });
const right = fc.record({
  packing,
  records: fc.array(rightRecord, { minLength: 1, maxLength: 6 }),
  baseTimestampMs: time,
  maxTimestampMs: time,
});

function build({
  packing: how,
  records,
  ...times
}: typeof right extends fc.Arbitrary<infer T> ? T : never) {
  const laidOut = records.map((record, index) => rawRecord(index, record));
  return rawBatch(laidOut, { packing: how, ...times });
}
/** Places in a batch and what they are changed by; those beyond its end count from its start. */
const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
  minLength: 1,
  maxLength: 3,
});

function change(bytesOf: Buffer, from: number, places: [number, number][]): void {
  for (const [place, by] of places) bytesOf[from + (place % (bytesOf.length - from))]! ^= by;
}

const runs = { numRuns: 1_000 };

describe('what is accepted can be read', () => {
  it('where all is right, and that is always accepted', () =>
    fc.assert(
      fc.asyncProperty(right, async (batch) => {
        const fits = batch.records.every(({ timestampDelta }) =>
          Number.isSafeInteger(batch.baseTimestampMs + Number(timestampDelta)),
        );
        const stored = accepted(build(batch));
        expect(stored !== null).toBe(fits);
        if (stored) await requireReadable(stored);
      }),
      runs,
    ));

  it('where some of its records are odd', () =>
    fc.assert(
      fc.asyncProperty(right, oddRecord, fc.nat(5), async (batch, odd, at) => {
        const records = batch.records.map((record, i) =>
          i === at ? { ...record, ...odd } : record,
        );
        const stored = accepted(build({ ...batch, records }));
        if (stored) await requireReadable(stored);
      }),
      runs,
    ));

  it('where bytes of its records are changed before they are packed', () =>
    fc.assert(
      fc.asyncProperty(right, changes, async (batch, places) => {
        const body = Buffer.concat(batch.records.map((record, i) => rawRecord(i, record)));
        change(body, 0, places);
        const recordCount = batch.records.length;
        const stored = accepted(batchAround(pack(batch.packing, body), { ...batch, recordCount }));
        if (stored) await requireReadable(stored);
      }),
      runs,
    ));

  it('where any bytes of it are changed, its CRC aside', () =>
    fc.assert(
      fc.asyncProperty(right, changes, async (batch, places) => {
        const built = build(batch);
        change(built, field.attributes, places);
        const stored = accepted(reseal(built));
        if (stored) await requireReadable(stored);
      }),
      runs,
    ));

  it('where its records are cut off, or followed by others', () =>
    fc.assert(
      fc.asyncProperty(right, fc.nat(), bytes, async (batch, cut, more) => {
        const body = Buffer.concat(batch.records.map((record, i) => rawRecord(i, record)));
        const packed = pack(batch.packing, body);
        const recordCount = batch.records.length;
        const rest = packed.subarray(0, packed.length - (cut % packed.length));
        const built = batchAround(Buffer.concat([rest, more]), { ...batch, recordCount });
        const stored = accepted(built);
        if (stored) await requireReadable(stored);
      }),
      runs,
    ));
});
