import { partitionKeys, registryKeys, type Topic } from '@sluice/log';
import { encodeBatch } from '@sluice/records';
import { slotOf } from '@sluice/redis';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import {
  cutReplicas,
  joinReplicas,
  oldReplicasMayTakeOver,
} from '@sluice/test/support/cut-replicas';
import { eventually } from '@sluice/test/support/eventually';
import { redisAt } from '@sluice/test/support/failover-load';
import { RawClient } from '@sluice/test/support/raw-client';
import { TestCluster } from '@sluice/test/support/redis-cluster';
import { ErrorCode, Produce } from '@sluice/wire';

const name = 'orders';
/** So many that some are not on the server of the registry. */
const partitions = 12;

let cluster: TestCluster;
let gateways: TestBroker[];
let topic: Topic;
/** A partition that another server has than the registry. */
let index: number;

beforeAll(async () => {
  cluster = await TestCluster.start({ args: oldReplicasMayTakeOver });
  const options = { redis: redisAt(cluster.url), isClustered: true };
  const first = await startBroker({ ...options, brokerId: 1 });
  const { keyPrefix, link, catalog } = first;
  gateways = [first, await startBroker({ ...options, keyPrefix, brokerId: 2 })];
  await eventually(() => catalog.create({ name, partitions }));
  topic = catalog.byName(name)!;
  const registry = link.shardOf(registryKeys(keyPrefix).topics);
  index = Array.from({ length: partitions }, (_, partition) =>
    partitionKeys(keyPrefix, { topic: name, topicId: topic.id, partition }),
  ).findIndex(({ meta }) => link.shardOf(meta) !== registry);
});
afterAll(async () => {
  await Promise.all((gateways ?? []).map((gateway) => gateway.stop()));
  await cluster?.stop();
});

const viewOf = ({ broker }: TestBroker) => broker.services.cluster;

/** The place of the gateway that both take for the leader, and under which leadership. */
function led(wanted: (placement: { leaderId: number; leadership: number }) => boolean) {
  return eventually(
    () => {
      const [one, other] = gateways.map((gateway) => viewOf(gateway).placementOf(topic, index));
      const isOne = one!.leaderId === other!.leaderId && one!.leadership === other!.leadership;
      return isOne && one!.leaderId > 0 && wanted(one!) ? one! : null;
    },
    { what: 'that both know who leads' },
  );
}

async function produceCode({ port }: TestBroker): Promise<number> {
  const client = await RawClient.connect(port);
  const records = encodeBatch({ records: [{ timestampMs: 1, value: Buffer.from('x') }] });
  const topicData = [{ name, partitionData: [{ index, records }] }];
  const reply = await client.send(Produce, 9, { acks: 1, timeoutMs: 1_000, topicData });
  await client.close();
  return reply.responses[0]!.partitionResponses[0]!.errorCode;
}

/** Has a broker lead the partition, and write to it; under which leadership. */
async function leadBy(leaderId: number): Promise<number> {
  const [other] = [1, 2].filter((id) => id !== leaderId);
  await eventually(async () => {
    const view = viewOf(gateways[viewOf(gateways[0]!).controllerId - 1]!);
    await view.assignReplicas(topic, new Map([[index, [leaderId, other!]]]));
    await view.electPreferred(topic, [index]);
    return view.placementOf(topic, index).leaderId === leaderId;
  });
  const { leadership } = await led((placement) => placement.leaderId === leaderId);
  await eventually(async () => (await produceCode(gateways[leaderId - 1]!)) === ErrorCode.NONE);
  return leadership;
}

it('a registry that lost who leads: leaders get leaderships beyond those lost', async () => {
  const { leaderId } = await led(() => true);
  const before = await leadBy(leaderId);
  const slot = slotOf(registryKeys(gateways[0]!.keyPrefix).topics);
  const primary = await cluster.ownerOf(slot);
  const replica = await cluster.replicaOf(primary);
  await cutReplicas(primary.server, [replica.server]);
  // There and back, so that the partition has seen leaderships of which the replica knows nothing.
  await leadBy(3 - leaderId);
  const last = await leadBy(leaderId);
  expect(last).toBeGreaterThan(before + 1);
  await primary.server.kill();
  await cluster.promoted(replica);
  await joinReplicas([replica.server]);
  // Leaders claim what somebody uses.
  const written = async (): Promise<boolean> =>
    (await Promise.all(gateways.map(produceCode))).includes(ErrorCode.NONE);
  await eventually(async () => {
    await written();
    return gateways.every((one) => viewOf(one).placementOf(topic, index).leadership > last);
  });
  await eventually(written);
});
