import { decodeBatch } from './decode';
import { encodeBatch, type RecordInput } from './encode';
import { readBatchHeader } from './header';

/*
 * Two records written out by hand: key "k", value "v", a header "h" of null, at 1000 ms; then a
 * null key and an empty value one millisecond earlier.
 */
const golden = Buffer.from(
  [
    '0000000000000000', // base offset
    '00000044', // 68 bytes follow
    'ffffffff', // no partition leader epoch
    '02', // magic
    'dffb31bc', // CRC-32C of what follows,
    '0000', // attributes
    '00000001', // last offset delta
    '00000000000003e8', // base timestamp
    '00000000000003e8', // maximum timestamp
    'ffffffffffffffff', // no producer id
    'ffff', // no producer epoch
    'ffffffff', // no sequence
    '00000002', // two records
    '16 00 00 00 02 6b 02 76 02 02 68 01',
    '0c 00 01 02 01 00 00',
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

const records: RecordInput[] = [
  {
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    headers: [{ key: 'h', value: null }],
    timestampMs: 1000,
  },
  { key: null, value: Buffer.alloc(0), timestampMs: 999 },
];

interface KafkajsEncoder {
  buffer: Buffer;
}
interface KafkajsRecord {
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer>;
}
const kafkajs = 'kafkajs/src/protocol';
const encoders = {
  recordBatch: jest.requireActual<{
    RecordBatch(options: object): Promise<KafkajsEncoder>;
  }>(`${kafkajs}/recordBatch/v0`),
  record: jest.requireActual<(record: object) => KafkajsEncoder>(
    `${kafkajs}/recordBatch/record/v0`,
  ),
};
const KafkajsDecoder = jest.requireActual<new (buffer: Buffer) => object>(`${kafkajs}/decoder`);
const kafkajsDecode = jest.requireActual<
  (decoder: object) => Promise<{ records: KafkajsRecord[]; producerId: string }>
>(`${kafkajs}/recordBatch/v0/decoder`);

const common = [
  { key: Buffer.from('first'), value: Buffer.from('one'), timestampMs: 1_700_000_000_000 },
  { key: null, value: Buffer.from('zwei'), timestampMs: 1_700_000_000_007 },
  { key: Buffer.from('third'), value: null, timestampMs: 1_700_000_000_003 },
].map((record, index) => ({
  ...record,
  headers: [{ key: 'trace', value: Buffer.from(`t${index}`) }],
}));
const producer = { producerId: 4_000_000_000, producerEpoch: 3, baseSequence: 70_000 };

function encodedByKafkajs(compression: number): Promise<KafkajsEncoder> {
  const baseTimestampMs = common[0]!.timestampMs;
  return encoders.recordBatch.RecordBatch({
    compression,
    firstTimestamp: baseTimestampMs,
    maxTimestamp: 1_700_000_000_007,
    lastOffsetDelta: 2,
    partitionLeaderEpoch: -1,
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    firstSequence: producer.baseSequence,
    records: common.map((record, offsetDelta) =>
      encoders.record({
        offsetDelta,
        timestampDelta: record.timestampMs - baseTimestampMs,
        key: record.key,
        value: record.value,
        headers: Object.fromEntries(record.headers.map(({ key, value }) => [key, value])),
      }),
    ),
  });
}

describe('the golden batch', () => {
  it('is what we encode', () => {
    expect(encodeBatch({ records }).toString('hex')).toBe(golden.toString('hex'));
  });

  it('is decoded, with null and empty told apart', () => {
    expect(decodeBatch(golden)).toEqual([
      { offset: 0, ...records[0] },
      { offset: 1, ...records[1], headers: [] },
    ]);
    expect(readBatchHeader(golden)).toEqual({
      baseOffset: 0,
      batchLength: 68,
      partitionLeaderEpoch: -1,
      magic: 2,
      crc: 0xdffb31bc,
      attributes: 0,
      lastOffsetDelta: 1,
      baseTimestampMs: 1000,
      maxTimestampMs: 1000,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      recordCount: 2,
    });
  });
});

describe('kafkajs', () => {
  it('encodes the same bytes', async () => {
    const theirs = await encodedByKafkajs(0);
    const ours = encodeBatch({ records: common, ...producer });
    expect(ours.toString('hex')).toBe(theirs.buffer.toString('hex'));
  });

  it('encodes gzip that we decode', async () => {
    const theirs = await encodedByKafkajs(1);
    const expected = common.map((record, offset) => ({ offset, ...record }));
    expect(decodeBatch(theirs.buffer)).toEqual(expected);
  });

  it.each(['none', 'gzip'] as const)('decodes what we encode with %s', async (compression) => {
    const ours = encodeBatch({ records: common, ...producer, compression, baseOffset: 2 ** 40 });
    const theirs = await kafkajsDecode(new KafkajsDecoder(ours));
    expect(theirs.producerId).toBe('4000000000');
    expect(theirs.records).toHaveLength(common.length);
    theirs.records.forEach((record, index) => {
      const { key, value, timestampMs, headers } = common[index]!;
      expect(record).toMatchObject({ key, value, timestamp: String(timestampMs) });
      expect(record.offset).toBe(String(2 ** 40 + index));
      expect(record.headers['trace']).toEqual(headers[0]!.value);
    });
  });
});
