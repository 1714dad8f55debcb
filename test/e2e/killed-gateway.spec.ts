import { kafkaAt, producerOf, readWithKafkajs } from '@sluice/test/support/kafkajs';
import { kcatMember } from '@sluice/test/support/kcat';
import { eventually } from '@sluice/test/support/eventually';
import { allRead, type Member, scriptMember } from '@sluice/test/support/member';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { freePort } from '@sluice/test/support/redis-local';
import {
  CreateTopics,
  DescribeGroups,
  ErrorCode,
  Heartbeat,
  JoinGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '@sluice/wire';
import { GatewayProcess } from './gateway-process';

const topic = 'outlives';
const partitions = 3;
const sessionTimeoutMs = 6_000;

let redis: TestRedis;
let port: number;
let gateway: GatewayProcess;
const members: Member[] = [];

const start = async () => (gateway = await GatewayProcess.start({ redisUrl: redis.url, port }));

/** What power failures, kernels and operators do to a process. */
async function killAndRestart(): Promise<void> {
  await gateway.kill();
  await start();
}

async function withClient<T>(use: (client: RawClient) => Promise<T>): Promise<T> {
  const client = await RawClient.connect(port);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

beforeAll(async () => {
  [redis, port] = [await startRedis(), await freePort()];
  await start();
  const topics = [{ name: topic, numPartitions: partitions, replicationFactor: 1 }];
  await withClient((client) => client.send(CreateTopics, 7, { topics }));
});

afterAll(async () => {
  await Promise.all(members.map((member) => member.kill()));
  await gateway?.kill();
  await redis?.stop();
});

/** Writes numbers, one after the other, to one partition after the other. */
class Writer {
  readonly acknowledged: string[] = [];
  #stopped = false;
  readonly #running: Promise<void>;

  constructor() {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const producer = await producerOf(kafkaAt(port), { idempotent: true });
    for (let n = 0; !this.#stopped; n++) {
      const messages = [{ partition: n % partitions, value: String(n) }];
      await producer.send({ topic, messages });
      this.acknowledged.push(String(n));
    }
    await producer.disconnect();
  }
}

test('no acknowledged record is lost or doubled, and every group goes on', async () => {
  const member = (groupId: string) => ({ port, groupId, topic, sessionTimeoutMs });
  members.push(
    scriptMember('kafkajs', member('kafkajs-group')),
    scriptMember('kafkajs', member('kafkajs-group')),
    scriptMember('platformatic', member('platformatic-group')),
    kcatMember(member('kcat-group')),
  );
  await Promise.all(members.map((one) => one.joined()));
  const writer = new Writer();
  for (let kills = 0; kills < 4; kills++) {
    const before = writer.acknowledged.length;
    await eventually(() => writer.acknowledged.length >= before + 100);
    await killAndRestart();
  }
  const last = writer.acknowledged.length;
  await eventually(() => writer.acknowledged.length >= last + 100);
  await writer.stop();

  const { acknowledged } = writer;
  const stored = await readWithKafkajs(kafkaAt(port), topic, acknowledged.length);
  for (let partition = 0; partition < partitions; partition++) {
    const values = stored.filter((record) => record.partition === partition);
    const written = acknowledged.filter((value) => Number(value) % partitions === partition);
    expect(values.map(({ value }) => value)).toEqual(written);
  }
  const [one, two, three, four] = members as [Member, Member, Member, Member];
  await allRead(acknowledged, [one, two]);
  await allRead(acknowledged, [three]);
  await allRead(acknowledged, [four]);
}, 300_000);

test('a member keeps its place, its generation and its offsets', async () => {
  const groupId = 'keeps';
  const hello = {
    groupId,
    sessionTimeoutMs: 60_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('what I want') }],
  };
  const member = await withClient(async (client) => {
    const { memberId } = await client.send(JoinGroup, 5, { ...hello, memberId: '' });
    const { generationId } = await client.send(JoinGroup, 5, { ...hello, memberId });
    const assignments = [{ memberId, assignment: Buffer.from('all') }];
    const joined = { groupId, memberId, generationId };
    await client.send(SyncGroup, 3, { ...joined, assignments });
    const commit = { partitionIndex: 1, committedOffset: 42, committedMetadata: 'half way' };
    const topics = [{ name: topic, partitions: [commit] }];
    const made = { ...joined, generationIdOrMemberEpoch: generationId, topics };
    const { topics: committed } = await client.send(OffsetCommit, 7, made);
    expect(committed[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
    return joined;
  });

  await killAndRestart();

  await withClient(async (client) => {
    expect(await client.send(Heartbeat, 3, member)).toMatchObject({ errorCode: ErrorCode.NONE });
    const again = await client.send(SyncGroup, 3, { ...member, assignments: [] });
    expect(again).toMatchObject({ errorCode: ErrorCode.NONE, assignment: Buffer.from('all') });
    const { groups } = await client.send(DescribeGroups, 5, { groups: [groupId] });
    expect(groups).toMatchObject([
      { groupState: 'Stable', members: [{ memberId: member.memberId }] },
    ]);
    const asked = { groupId, topics: [{ name: topic, partitionIndexes: [1] }] };
    const { topics } = await client.send(OffsetFetch, 7, asked);
    expect(topics[0]!.partitions[0]).toMatchObject({ committedOffset: 42, metadata: 'half way' });
  });
});
