import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { kafkaAt, plugInCodecs, readWithKafkajs } from '@sluice/test/support/kafkajs';
import { readWithKcat } from '@sluice/test/support/kcat';
import {
  batchAround,
  packings,
  rawBatch,
  rawRecord,
  type Packing,
} from '@sluice/test/support/raw-batches';
import { RawClient } from '@sluice/test/support/raw-client';
import { CreateTopics, ErrorCode, Produce } from '@sluice/wire';

/*
 * Clients read on behind what a broken producer has sent: it is not there. Had it been stored,
 * kafkajs would fail at it, and librdkafka would ask for it again and again.
 */

const now = Date.now();

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  plugInCodecs();
  host = await startBroker();
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
});

const broken: Record<string, (packing: Packing) => Buffer> = {
  'five records of two': (packing) =>
    rawBatch([rawRecord(0), rawRecord(1)], { packing, baseTimestampMs: now, recordCount: 5 }),
  'a body of three bytes': (packing) =>
    batchAround(Buffer.from([1, 2, 3]), { packing, baseTimestampMs: now, recordCount: 1 }),
  'a header name that is null': (packing) => {
    const record = rawRecord(0, { headerCount: 1, headers: Buffer.from([1, 1]) });
    return rawBatch([record], { packing, baseTimestampMs: now });
  },
};

describe.each(packings)('behind what is broken in %s', (packing) => {
  it.each(Object.keys(broken))('kafkajs and kcat read on: %s', async (what) => {
    const topic = `${packing}-${what.replaceAll(' ', '-')}`;
    const created = { name: topic, numPartitions: 1, replicationFactor: 1 };
    await client.send(CreateTopics, 7, { topics: [created] });
    const good = () => rawBatch([rawRecord(0)], { packing, baseTimestampMs: now });
    const codes: number[] = [];
    for (const records of [good(), broken[what]!(packing), good()]) {
      const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
      const reply = await client.send(Produce, 8, { acks: 1, timeoutMs: 1000, topicData });
      codes.push(reply.responses[0]!.partitionResponses[0]!.errorCode);
    }
    expect(codes).toEqual([ErrorCode.NONE, ErrorCode.INVALID_RECORD, ErrorCode.NONE]);
    const seen = [
      await readWithKafkajs(kafkaAt(host.port), topic, 2),
      await readWithKcat(host.port, topic, ['-p', '0', '-o', 'beginning', '-e']),
    ];
    for (const records of seen) {
      expect(records.map(({ offset, value }) => [Number(offset), value])).toEqual([
        [0, 'value 0'],
        [1, 'value 0'],
      ]);
    }
  });
});
