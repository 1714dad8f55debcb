/** The admin calls of real clients where one broker without ACLs has little to tell. */
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { kafkaAt, producerOf } from '@sluice/test/support/kafkajs';
import { clientOptions } from '@sluice/test/support/platformatic';
import { sharedRedis } from '@sluice/test/support/redis';
import {
  Admin as PlatformaticAdmin,
  ClientQuotaEntityTypes,
  ClientQuotaMatchTypes,
} from '@platformatic/kafka';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
  type Admin,
} from 'kafkajs';

let host: TestBroker;
let kafkajs: Admin;
let platformatic: PlatformaticAdmin;

beforeAll(async () => {
  host = await startBroker();
  const kafka = kafkaAt(host.port, { retry: { retries: 0 } });
  kafkajs = kafka.admin();
  await kafkajs.connect();
  await kafkajs.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] });
  const producer = await producerOf(kafka);
  await producer.send({ topic: 'orders', messages: [{ partition: 1, value: 'one' }] });
  await producer.disconnect();
  platformatic = new PlatformaticAdmin({ ...clientOptions(host.port), retries: 0 });
});

afterAll(async () => {
  await kafkajs?.disconnect();
  await platformatic?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

test('kafkajs is told that there are no ACLs', async () => {
  const filter = {
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  };
  const off = expect.objectContaining({ type: 'SECURITY_DISABLED' });
  await expect(kafkajs.describeAcls(filter)).rejects.toEqual(off);
});

test('kafkajs finds no reassignment, and is refused one', async () => {
  const listed = await kafkajs.listPartitionReassignments({});
  expect(listed.topics).toEqual([]);
  const move = (replicas: number[]) =>
    kafkajs.alterPartitionReassignments({
      topics: [{ topic: 'orders', partitionAssignment: [{ partition: 0, replicas }] }],
    });
  await move([1]);
  await expect(move([1, 2])).rejects.toMatchObject({ name: /Aggregate|AlterPartition/ });
});

test('@platformatic/kafka reads the sizes of partitions', async () => {
  const topics = [{ name: 'orders', partitions: [0, 1] }];
  const [described] = await platformatic.describeLogDirs({ topics });
  expect(described).toMatchObject({ broker: 1, results: [{ logDir: `redis:${host.keyPrefix}` }] });
  const [orders] = described!.results[0]!.topics;
  const sizes = orders!.partitions.map(({ partitionSize }) => Number(partitionSize));
  expect(sizes[0]).toBe(0);
  expect(sizes[1]).toBeGreaterThan(60);
});

test('@platformatic/kafka finds no quotas', async () => {
  const anyUser = {
    entityType: ClientQuotaEntityTypes.USER,
    matchType: ClientQuotaMatchTypes.ANY,
  };
  expect(await platformatic.describeClientQuotas({ components: [anyUser] })).toEqual([]);
});
