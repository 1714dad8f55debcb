import { encodeBatch } from '@sluice/records';
import { recordsAt } from '@sluice/test/support/batches';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { kafkaAt } from '@sluice/test/support/kafkajs';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import {
  AlterPartitionReassignments,
  DescribeCluster,
  ElectLeaders,
  ErrorCode,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
  zeroUuid,
} from '@sluice/wire';

/** Gateways on one Redis, as brokers of one cluster. */
let redis: TestRedis;
let gateways: TestBroker[];
let clients: RawClient[];
let topics = 0;

beforeAll(async () => {
  redis = await startRedis();
  const first = await startBroker({ redis, isClustered: true, brokerId: 1, rack: 'a' });
  const others = { redis, isClustered: true, keyPrefix: first.keyPrefix };
  gateways = [
    first,
    await startBroker({ ...others, brokerId: 2, rack: 'b' }),
    await startBroker({ ...others, brokerId: 3, rack: 'c' }),
  ];
  clients = await Promise.all(gateways.map(({ port }) => RawClient.connect(port)));
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  for (const gateway of gateways) await gateway.stop();
  await redis.stop();
});

interface Place {
  name: string;
  /** Of the gateway that leads partition 0, and of one that does not. */
  leader: number;
  other: number;
}

/** A topic of one partition that all gateways know. */
async function newTopic(): Promise<Place> {
  const name = `topic-${topics++}`;
  await gateways[0]!.catalog.create({ name, partitions: 1 });
  const leader = await leaderOf(name);
  return { name, leader, other: (leader + 1) % 3 };
}

/** The place of the gateway that all agree leads partition 0. */
function leaderOf(name: string, wanted?: number): Promise<number> {
  return eventually(
    () => {
      const ids = gateways.map(({ broker, catalog }) => {
        const topic = catalog.byName(name);
        return topic === undefined ? -1 : broker.services.cluster.placementOf(topic, 0).leaderId;
      });
      const isOne = ids[0]! > 0 && ids.every((id) => id === ids[0]);
      const isWanted = wanted === undefined || ids[0] === wanted + 1;
      return isOne && isWanted ? `${ids[0]! - 1}` : null;
    },
    { what: 'one leader' },
  ).then(Number);
}

const controller = (): number => gateways[0]!.broker.services.cluster.controllerId - 1;

/** Makes another gateway the leader of partition 0, and the one it prefers. */
async function moveTo(name: string, place: number): Promise<void> {
  const others = [1, 2, 3].filter((id) => id !== place + 1);
  const replicas = [place + 1, ...others];
  const partitions = [{ partitionIndex: 0, replicas }];
  const client = clients[controller()]!;
  const moved = await client.send(AlterPartitionReassignments, 0, {
    timeoutMs: 5_000,
    topics: [{ name, partitions }],
  });
  expect(moved.responses[0]!.partitions).toMatchObject([{ errorCode: 0 }]);
  const election = { electionType: 0, timeoutMs: 5_000 };
  await client.send(ElectLeaders, 1, {
    ...election,
    topicPartitions: [{ topic: name, partitions: [0] }],
  });
  await leaderOf(name, place);
}

interface Sent {
  producerId?: number;
  baseSequence?: number;
}

async function produce(place: number, name: string, version = 9, sent: Sent = {}) {
  const producer = { producerId: -1, baseSequence: -1, ...sent };
  const records = encodeBatch({ records: recordsAt(1_000), producerEpoch: 0, ...producer });
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const request = { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData };
  const { responses, nodeEndpoints } = await clients[place]!.send(Produce, version, request);
  return { ...responses[0]!.partitionResponses[0]!, nodeEndpoints };
}

const idempotent = (baseSequence: number): Sent => ({ producerId: 77, baseSequence });

interface Asked {
  offset?: number;
  epoch?: number;
  version?: number;
  waitMs?: number;
}

async function fetch(place: number, name: string, asked: Asked = {}) {
  const { offset = 0, epoch = -1, version = 12, waitMs = 0 } = asked;
  const topicId = gateways[place]!.catalog.byName(name)?.id ?? zeroUuid;
  const partition = {
    partition: 0,
    fetchOffset: offset,
    currentLeaderEpoch: epoch,
    partitionMaxBytes: 1_000_000,
  };
  const { responses, nodeEndpoints } = await clients[place]!.send(Fetch, version, {
    maxWaitMs: waitMs,
    minBytes: 1,
    maxBytes: 1_000_000,
    topics: [{ topic: name, topicId, partitions: [partition] }],
  });
  return { ...responses[0]!.partitions[0]!, nodeEndpoints };
}

async function latest(place: number, name: string, currentLeaderEpoch = -1) {
  const partitions = [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch }];
  const { topics: answers } = await clients[place]!.send(ListOffsets, 4, {
    topics: [{ name, partitions }],
  });
  return answers[0]!.partitions[0]!;
}

async function metadataOf(place: number, name: string) {
  const { topics: answers, ...rest } = await clients[place]!.send(Metadata, 9, {
    topics: [{ name, topicId: zeroUuid }],
  });
  return { ...rest, ...answers[0]!.partitions[0]! };
}

const { NONE, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH } = ErrorCode;

test('all tell the same brokers, controller and leaders', async () => {
  const { name, leader } = await newTopic();
  for (const place of [0, 1, 2]) {
    const told = await metadataOf(place, name);
    expect(told.brokers.map(({ nodeId, rack }) => [nodeId, rack])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect(told).toMatchObject({ controllerId: controller() + 1, leaderId: leader + 1 });
    expect([...told.replicaNodes].sort()).toEqual([1, 2, 3]);
    const cluster = await clients[place]!.send(DescribeCluster, 0, {});
    expect(cluster.brokers.map(({ port }) => port)).toEqual(gateways.map(({ port }) => port));
  }
});

test('who is not the leader says so, and who is', async () => {
  const { name, leader, other } = await newTopic();
  const told = {
    currentLeader: { leaderId: leader + 1, leaderEpoch: expect.any(Number) },
    nodeEndpoints: [{ nodeId: leader + 1, port: gateways[leader]!.port }],
  };
  expect(await produce(other, name)).toMatchObject({ errorCode: NOT_LEADER_OR_FOLLOWER });
  const refused = { errorCode: NOT_LEADER_OR_FOLLOWER, ...told };
  expect(await produce(other, name, 10)).toMatchObject(refused);
  expect(await fetch(other, name, { version: 16, waitMs: 30_000 })).toMatchObject(refused);
  expect(await latest(other, name)).toMatchObject({ errorCode: NOT_LEADER_OR_FOLLOWER });
  const { topics: ends } = await clients[other]!.send(OffsetForLeaderEpoch, 3, {
    topics: [{ topic: name, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  });
  expect(ends[0]!.partitions[0]).toMatchObject({ errorCode: NOT_LEADER_OR_FOLLOWER });
  expect(await produce(leader, name)).toMatchObject({ errorCode: NONE, baseOffset: 0 });
  expect(await latest(leader, name)).toMatchObject({ errorCode: NONE, offset: 1 });
});

test('a topic made through one gateway is produced to through its leader at once', async () => {
  const admin = kafkaAt(gateways[1]!.port).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'fresh', numPartitions: 6 }] });
  const producer = kafkaAt(gateways[2]!.port).producer();
  await producer.connect();
  const messages = [0, 1, 2, 3, 4, 5].map((partition) => ({ partition, value: 'v' }));
  const stored = await producer.send({ topic: 'fresh', messages });
  expect(stored.map(({ errorCode }) => errorCode)).toEqual(messages.map(() => 0));
  await Promise.all([producer.disconnect(), admin.disconnect()]);
});

test('a move ends waiting fetches, begins an epoch, and loses and doubles nothing', async () => {
  const { name, leader, other } = await newTopic();
  expect(await produce(leader, name, 9, idempotent(0))).toMatchObject({ baseOffset: 0 });
  expect(await produce(leader, name, 9, idempotent(1))).toMatchObject({ baseOffset: 1 });
  const before = (await fetch(leader, name, { offset: 0 })).errorCode;
  const { leaderEpoch } = await metadataOf(leader, name);
  const waiting = fetch(leader, name, { offset: 2, epoch: leaderEpoch, waitMs: 50_000 });
  await moveTo(name, other);
  expect([before, (await waiting).errorCode]).toEqual([NONE, NOT_LEADER_OR_FOLLOWER]);
  // The former leader's client has not heard its answer, and sends it again.
  expect(await produce(other, name, 9, idempotent(1))).toMatchObject({
    errorCode: 0,
    baseOffset: 1,
  });
  expect(await produce(other, name, 9, idempotent(2))).toMatchObject({
    errorCode: 0,
    baseOffset: 2,
  });
  const after = await eventually(async () => {
    const told = await metadataOf(leader, name);
    return told.leaderEpoch > leaderEpoch ? told : null;
  });
  expect(after.leaderId).toBe(other + 1);
  const asked = { offset: 2, epoch: leaderEpoch };
  expect(await fetch(other, name, asked)).toMatchObject({ errorCode: FENCED_LEADER_EPOCH });
  const beyond = { offset: 2, epoch: after.leaderEpoch + 1 };
  expect(await fetch(other, name, beyond)).toMatchObject({ errorCode: UNKNOWN_LEADER_EPOCH });
  const current = { offset: 2, epoch: after.leaderEpoch };
  expect(await fetch(other, name, current)).toMatchObject({ errorCode: NONE, highWatermark: 3 });
  const { topics: ends } = await clients[other]!.send(OffsetForLeaderEpoch, 3, {
    topics: [{ topic: name, partitions: [{ partition: 0, leaderEpoch }] }],
  });
  expect(ends[0]!.partitions[0]).toMatchObject({ leaderEpoch, endOffset: 2 });
});

test('what a former leader still appends is refused', async () => {
  const { name, leader, other } = await newTopic();
  const former = gateways[leader]!.broker.services;
  const topic = gateways[leader]!.catalog.byName(name)!;
  expect(await produce(leader, name)).toMatchObject({ errorCode: NONE, baseOffset: 0 });
  // It does not hear of the move, as if it were paused.
  const placement = former.cluster.placementOf(topic, 0);
  const deaf = jest.spyOn(former.cluster, 'placementOf').mockReturnValue(placement);
  await moveToUnheard(name, other);
  expect(await produce(other, name)).toMatchObject({ errorCode: NONE, baseOffset: 1 });
  expect(await produce(leader, name)).toMatchObject({ errorCode: NOT_LEADER_OR_FOLLOWER });
  expect(await produce(leader, name)).toMatchObject({ errorCode: NOT_LEADER_OR_FOLLOWER });
  deaf.mockRestore();
  expect(await latest(other, name)).toMatchObject({ offset: 2 });
});

/** As `moveTo`, where the former leader goes on believing that it leads. */
async function moveToUnheard(name: string, place: number): Promise<void> {
  const others = [1, 2, 3].filter((id) => id !== place + 1);
  const topic = gateways[controller()]!.catalog.byName(name)!;
  const { cluster } = gateways[controller()]!.broker.services;
  await cluster.assignReplicas(topic, new Map([[0, [place + 1, ...others]]]));
  await cluster.electPreferred(topic, [0]);
  const own = gateways[place]!.broker.services.cluster;
  await eventually(() => own.placementOf(topic, 0).leaderId === place + 1);
}

test('a fetch that waits ends when its gateway is not sure of its session any more', async () => {
  const { name, leader } = await newTopic();
  expect(await produce(leader, name)).toMatchObject({ errorCode: NONE, baseOffset: 0 });
  const { cluster, waitingFetches } = gateways[leader]!.broker.services;
  const waitMs = 50_000;
  const waiting = fetch(leader, name, { offset: 1, waitMs });
  await eventually(() => waitingFetches.count > 0);
  const unsure = jest.spyOn(cluster, 'isSure', 'get').mockReturnValue(false);
  expect(await waiting).toMatchObject({ errorCode: NOT_LEADER_OR_FOLLOWER });
  unsure.mockRestore();
});
