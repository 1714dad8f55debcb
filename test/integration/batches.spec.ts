import { crc32c, encodeBatch, recordsLimits, type CompressionName } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { sharedRedis } from '@sluice/test/support/redis';
import { storeUnchecked } from '@sluice/test/support/stored';
import { CreateTopics, ErrorCode, Fetch, ListOffsets, Produce } from '@sluice/wire';

const MiB = 1024 * 1024;
const codecs: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker();
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

async function create(name: string, configs: Record<string, string> = {}): Promise<void> {
  const listed = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const topic = { name, numPartitions: 1, replicationFactor: 1, configs: listed };
  const reply = await client.send(CreateTopics, 7, { topics: [topic] });
  expect(reply.topics[0]!.errorCode).toBe(ErrorCode.NONE);
}

/** Sends batches to one partition, all in one request; the error codes of each. */
async function produce(name: string, ...batches: Buffer[]): Promise<number[]> {
  const topicData = batches.map((records) => ({ name, partitionData: [{ index: 0, records }] }));
  const reply = await client.send(Produce, 8, { acks: 1, timeoutMs: 1000, topicData });
  return reply.responses.flatMap((topic) => topic.partitionResponses.map((one) => one.errorCode));
}

async function listOffsets(timestamp: number, ...names: string[]) {
  const topics = names.map((name) => ({ name, partitions: [{ partitionIndex: 0, timestamp }] }));
  const reply = await client.send(ListOffsets, 5, { topics });
  return reply.topics.flatMap(({ partitions }) => partitions);
}

/** One record of so many zero bytes, which compress to next to nothing. */
function zeros(bytes: number, compression: CompressionName): Buffer {
  return encodeBatch({ compression, records: [{ timestampMs: now, value: Buffer.alloc(bytes) }] });
}

const now = Date.now();

/** A batch whose header is right, CRC too, and whose records are not. */
function garbage(compression: CompressionName): Buffer {
  const batch = zeros(1000, compression);
  batch.fill(0xff, 61);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

describe('a topic with a compression of its own', () => {
  it.each(['gzip', 'lz4', 'zstd'] as const)(
    'does not store more than max.message.bytes of what %s has made small',
    async (codec) => {
      const name = `plain-${codec}`;
      await create(name, { 'compression.type': 'uncompressed' });
      expect(await produce(name, zeros(2 * MiB, codec))).toEqual([ErrorCode.MESSAGE_TOO_LARGE]);
      expect(await produce(name, zeros(MiB / 2, codec))).toEqual([ErrorCode.NONE]);
    },
  );

  it('counts a batch as it is stored, which may be larger than it came', async () => {
    await create('lz4', { 'compression.type': 'lz4', 'max.message.bytes': '20000' });
    expect(await produce('lz4', zeros(10 * MiB, 'zstd'))).toEqual([ErrorCode.MESSAGE_TOO_LARGE]);
    expect(await produce('lz4', zeros(1 * MiB, 'zstd'))).toEqual([ErrorCode.NONE]);
  });

  it.each(['snappy', 'lz4', 'zstd'] as const)('refuses what %s makes too large', async (codec) => {
    const name = `bomb-${codec}`;
    await create(name, { 'compression.type': 'gzip', 'max.message.bytes': `${8 * MiB}` });
    const bomb = zeros(recordsLimits.decompressedBytesMax + 1, codec);
    expect(await produce(name, bomb)).toEqual([ErrorCode.MESSAGE_TOO_LARGE]);
  });

  it.each(codecs.slice(1))('refuses what does not decompress as %s', async (codec) => {
    const name = `garbage-${codec}`;
    await create(name, { 'compression.type': 'uncompressed' });
    expect(await produce(name, garbage(codec))).toEqual([ErrorCode.INVALID_RECORD]);
  });
});

describe('a search by time', () => {
  it.each(codecs)('answers with an error where a batch of %s is broken inside', async (codec) => {
    const name = `search-${codec}`;
    await create(name);
    await storeUnchecked(host, name, garbage(codec));
    const [found] = await listOffsets(now - 1000, name);
    const expected = codec === 'none' ? ErrorCode.INVALID_RECORD : ErrorCode.CORRUPT_MESSAGE;
    expect(found).toMatchObject({ errorCode: expected, offset: -1 });
    // The connection goes on, and so do other partitions.
    expect((await listOffsets(-1, name))[0]).toMatchObject({ errorCode: 0, offset: 1 });
  });

  it('takes a partition once, in whatever places of the request it stands', async () => {
    await create('twice');
    await create('once');
    await produce('twice', zeros(10, 'none'));
    await produce('once', zeros(10, 'none'));
    const found = await listOffsets(now - 1000, 'twice', 'once', 'twice');
    const codes = found.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.NONE, ErrorCode.INVALID_REQUEST]);
  });
});

it('what is broken inside is told to consumers as it came, and harms no other batch', async () => {
  await create('opaque');
  const good = zeros(10, 'none');
  await storeUnchecked(host, 'opaque', garbage('zstd'));
  expect(await produce('opaque', good)).toEqual([ErrorCode.NONE]);
  const partition = { partition: 0, fetchOffset: 1, partitionMaxBytes: MiB };
  const topics = [{ topic: 'opaque', partitions: [partition] }];
  const reply = await client.send(Fetch, 11, { maxWaitMs: 0, minBytes: 1, maxBytes: MiB, topics });
  const { records } = reply.responses[0]!.partitions[0]!;
  expect(records!.subarray(61)).toEqual(good.subarray(61));
});
