import { encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { CreateTopics, ErrorCode, Produce } from '@sluice/wire';

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker();
  client = await RawClient.connect(host.port);
  const configs = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  const topics = [
    { name: 'appended', numPartitions: 1, replicationFactor: 1, configs },
    { name: 'created', numPartitions: 1, replicationFactor: 1 },
  ];
  await client.send(CreateTopics, 7, { topics });
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await host?.redis.stop();
});

/** Sends the same batch of an idempotent producer, and gives the time that the reply tells. */
async function produce(name: string): Promise<bigint | number> {
  const records = encodeBatch({
    records: [{ value: Buffer.from('x'), timestampMs: 1_700_000_000_000 }],
    producerId: 7,
    producerEpoch: 0,
    baseSequence: 0,
  });
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
  const { errorCode, baseOffset, logAppendTimeMs } = responses[0]!.partitionResponses[0]!;
  expect([errorCode, baseOffset]).toEqual([ErrorCode.NONE, 0]);
  return logAppendTimeMs;
}

describe('the time that is told of a batch', () => {
  it('is the stored one, also when the batch is sent again', async () => {
    const first = await produce('appended');
    await eventually(() => Date.now() > Number(first));
    expect(await produce('appended')).toBe(first);
  });

  it('is none where the producer gives the time', async () => {
    expect(await produce('created')).toBe(-1);
    expect(await produce('created')).toBe(-1);
  });
});
