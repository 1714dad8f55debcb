import { configDefinitions } from '@sluice/log';
import { compressionOf, encodeBatch, readBatchHeader, type BatchOptions } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { trimElsewhere } from '@sluice/test/support/other-trimmer';
import { RawClient } from '@sluice/test/support/raw-client';
import { storedCompressions } from '@sluice/test/support/stored';
import { CreateTopics, ErrorCode, Produce } from '@sluice/wire';

/*
 * Each config that is said to be obeyed: a batch that is stored as it is where nothing is set, and
 * kept when the topic is trimmed, and that is treated otherwise where the config is.
 */

let host: TestBroker;
let client: RawClient;
let topicNumber = 0;

beforeAll(async () => {
  host = await startBroker();
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await host?.redis.stop();
});

async function newTopic(config?: { name: string; value: string }): Promise<string> {
  const name = `topic-${topicNumber++}`;
  const topic = { name, numPartitions: 1, replicationFactor: 1, configs: config ? [config] : [] };
  const { topics } = await client.send(CreateTopics, 7, { topics: [topic] });
  expect(topics[0]!.errorCode).toBe(ErrorCode.NONE);
  return name;
}

/** What a batch meets in a topic: its error, how it was stored, and whether a trim keeps it. */
async function produce(name: string, records: Buffer) {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks: -1, timeoutMs: 5_000, topicData });
  const { errorCode, logAppendTimeMs } = responses[0]!.partitionResponses[0]!;
  const [compression] = await storedCompressions(host, name);
  const { batches } = await trimElsewhere(host, name);
  const isKept = errorCode === ErrorCode.NONE && batches === 0;
  return { errorCode, hasAppendTime: logAppendTimeMs !== -1, compression, isKept };
}

type Outcome = Awaited<ReturnType<typeof produce>>;

const minuteMs = 60_000;
const batch = (
  changes: Partial<BatchOptions['records'][number]> = {},
  compression: BatchOptions['compression'] = 'none',
): Buffer =>
  encodeBatch({
    records: [{ value: Buffer.alloc(1_000, 'x'), timestampMs: Date.now(), ...changes }],
    compression,
  });

interface Case {
  value: string;
  records: () => Buffer;
  /** What is different from a topic without the config. */
  outcome: Partial<Outcome>;
}

const cases: Record<string, Case> = {
  'cleanup.policy': {
    value: 'compact',
    records: () => batch({ key: null }),
    outcome: { errorCode: ErrorCode.INVALID_RECORD },
  },
  'compression.type': { value: 'gzip', records: batch, outcome: { compression: 'gzip' } },
  'max.decompressed.message.bytes': {
    value: '100',
    records: () => batch({}, 'gzip'),
    outcome: { errorCode: ErrorCode.INVALID_RECORD },
  },
  'max.message.bytes': {
    value: '500',
    records: batch,
    outcome: { errorCode: ErrorCode.MESSAGE_TOO_LARGE },
  },
  'message.timestamp.after.max.ms': {
    value: '1000',
    records: () => batch({ timestampMs: Date.now() + 30 * minuteMs }),
    outcome: { errorCode: ErrorCode.INVALID_TIMESTAMP },
  },
  'message.timestamp.before.max.ms': {
    value: '1000',
    records: () => batch({ timestampMs: Date.now() - 30 * minuteMs }),
    outcome: { errorCode: ErrorCode.INVALID_TIMESTAMP },
  },
  'message.timestamp.type': {
    value: 'LogAppendTime',
    records: batch,
    outcome: { hasAppendTime: true },
  },
  'min.insync.replicas': {
    // More than the servers of any set-up of the tests have.
    value: '9',
    records: batch,
    outcome: { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS },
  },
  'retention.bytes': { value: '0', records: batch, outcome: { isKept: false } },
  'retention.ms': {
    value: '60000',
    records: () => batch({ timestampMs: Date.now() - 30 * minuteMs }),
    outcome: { isKept: false },
  },
};

/** What a batch meets where nothing is set. */
function storedAsItIs(records: Buffer): Outcome {
  const compression = compressionOf(readBatchHeader(records).attributes);
  return { errorCode: ErrorCode.NONE, hasAppendTime: false, compression, isKept: true };
}

describe('a config that is said to be obeyed', () => {
  it('has its test here, each of them', () => {
    const obeyed = configDefinitions.filter((definition) => definition.obeyed);
    // Not every server can do it; see disk-acks.spec.ts.
    const elsewhere = ['sluice.ack.disk'];
    const names = [...Object.keys(cases), ...elsewhere].sort();
    expect(names).toEqual(obeyed.map(({ name }) => name));
  });

  it.each(Object.entries(cases))('%s', async (name, { value, records, outcome }) => {
    const sent = records();
    expect(await produce(await newTopic(), sent)).toEqual(storedAsItIs(sent));
    expect(await produce(await newTopic({ name, value }), sent)).toMatchObject(outcome);
  });
});
