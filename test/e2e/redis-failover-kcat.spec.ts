import { partitionKeys } from '@sluice/log';
import { slotOf } from '@sluice/redis';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import {
  cutReplicas,
  joinReplicas,
  oldReplicasMayTakeOver,
} from '@sluice/test/support/cut-replicas';
import { eventually } from '@sluice/test/support/eventually';
import { redisAt } from '@sluice/test/support/failover-load';
import { kcat } from '@sluice/test/support/kcat';
import { TestCluster } from '@sluice/test/support/redis-cluster';
import { WatchedRedis } from '@sluice/test/support/sentinels';
import {
  kafkajsReader,
  kafkajsWriter,
  kcatReader,
  kcatWriter,
  placedFormat,
  platformaticReader,
  platformaticWriter,
  readPlaced,
  untilAllProgress,
  type PlacedRecord,
  type SteadyClient,
} from '@sluice/test/support/steady-clients';

const topic = 'steady';
const partitions = 6;

/** A Redis of which a primary can be replaced by a replica. */
interface System {
  url: string;
  /** What the primary of a key is given from now on, its replicas do not get. */
  cut(key: string): Promise<void>;
  /** That primary dies, and a replica takes over, which lacks what came since. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

async function sentinels(): Promise<System> {
  const watched = await WatchedRedis.start();
  const primary = await watched.primary();
  const replicas = watched.servers.filter((one) => one !== primary);
  return {
    url: watched.url,
    cut: async () => {
      // Sentinels promote no replica that has been cut off for ten times as long.
      await watched.setDownAfter(60_000);
      await cutReplicas(primary, replicas);
    },
    failOver: async () => {
      await primary.kill();
      await watched.failover();
      await joinReplicas(replicas);
    },
    stop: () => watched.stop(),
  };
}

async function cluster(): Promise<System> {
  const servers = await TestCluster.start({ args: oldReplicasMayTakeOver });
  let primary = servers.servers[0]!;
  let replica = primary;
  return {
    url: servers.url,
    cut: async (key) => {
      primary = await servers.ownerOf(slotOf(key));
      replica = await servers.replicaOf(primary);
      await cutReplicas(primary.server, [replica.server]);
    },
    failOver: async () => {
      await primary.server.kill();
      await servers.promoted(replica);
    },
    stop: () => servers.stop(),
  };
}

const systems = [
  { name: 'a Redis that Sentinels watch', start: sentinels },
  { name: 'a Redis Cluster', start: cluster },
];

describe.each(systems)('kcat, kafkajs and @platformatic/kafka on $name', ({ start }) => {
  let system: System;
  let gateway: TestBroker;
  const clients: SteadyClient[] = [];

  beforeAll(async () => {
    system = await start();
    gateway = await startBroker({ redis: redisAt(system.url) });
    await eventually(() => gateway.catalog.create({ name: topic, partitions }));
  });
  afterAll(async () => {
    await Promise.allSettled(clients.map((client) => client.stop()));
    await gateway?.stop();
    await system?.stop();
  });

  it('go on through a failover that loses records, and see no offset used twice', async () => {
    const brokers = [`127.0.0.1:${gateway.port}`];
    const options = { brokers, topic, isIdempotent: false, retries: 20 };
    const writers = [
      await kafkajsWriter(options),
      platformaticWriter(options),
      kcatWriter(options),
    ];
    const readers = [
      await kafkajsReader(options),
      await platformaticReader(options),
      kcatReader(options, 'group'),
    ];
    clients.push(...writers, ...readers);
    await untilAllProgress(clients);

    const { id: topicId } = gateway.catalog.byName(topic)!;
    const ref = { topic, topicId, partition: 0 };
    await system.cut(partitionKeys(gateway.keyPrefix, ref).meta);
    await untilAllProgress(clients, 60);
    await system.failOver();
    await untilAllProgress(clients, 60);

    await Promise.all(writers.map((writer) => writer.stop()));
    const log = await readLog(gateway.port);
    const lost = countLost([log, ...clients.map(({ records }) => records)], log);
    expect(lost).toBeGreaterThan(0);
    const written = writers.flatMap(({ records }) => records);
    expect(written.length).toBeGreaterThan(0);
    const told = clients.flatMap(({ name, errors }) => errors.map((error) => `${name}: ${error}`));
    expect(told).toEqual([]);
  });
});

/** All that is in the log, as a client that starts at its beginning reads it. */
async function readLog(port: number): Promise<PlacedRecord[]> {
  const from = ['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', placedFormat];
  const text = await kcat(port, from);
  return text.trim().split('\n').map(readPlaced);
}

/**
 * Compares what everybody saw at each offset. Returns how many records were seen that the log does
 * not have any more.
 *
 * @throws Error where two of them saw different records at one
 */
function countLost(views: (readonly PlacedRecord[])[], log: readonly PlacedRecord[]): number {
  const seen = new Map<string, string>();
  for (const { partition, offset, value } of views.flat()) {
    const place = `${partition}/${offset}`;
    const known = seen.get(place);
    if (known !== undefined && known !== value) {
      throw new Error(`${place} was ${known} and is ${value}`);
    }
    seen.set(place, value);
  }
  for (const { partition, offset } of log) seen.delete(`${partition}/${offset}`);
  return seen.size;
}
