import { eventually } from '@sluice/test/support/eventually';
import { kafkaAt } from '@sluice/test/support/kafkajs';
import { kcat } from '@sluice/test/support/kcat';
import {
  kafkajsReader,
  kafkajsWriter,
  kcatReader,
  kcatWriter,
  placedFormat,
  readPlaced,
  untilAllProgress,
  type SteadyClient,
} from '@sluice/test/support/steady-clients';
import { ComposeProject, upMsMax } from './compose-project';

const topic = 'steady';
const partitions = 12;
const laterMs = { timeoutMs: 180_000 };
const testMsMax = 15 * 60_000;
/** kafkajs' own five take nine seconds, and a Redis Cluster may take longer for a failover. */
const retries = 10;

/**
 * Each with a way to find what is a primary, and with what producers may be told while it is away:
 * a primary of the Redis Cluster has one replica, which has none itself once it is promoted.
 */
const systems = [
  { system: 'sentinel', primaryOf: watchedPrimary, refusal: /^(?!)/ },
  { system: 'cluster', primaryOf: clusterPrimary, refusal: /fewer in-sync replicas/ },
] as const;

describe.each(systems)('docker compose up $system', ({ system, primaryOf, refusal }) => {
  let project: ComposeProject;
  const clients: SteadyClient[] = [];

  beforeAll(async () => {
    project = await ComposeProject.make(`e2e-${system}`, system);
    await project.up(system);
    await project.ready();
    await makeTopic(project);
  }, upMsMax);

  afterAll(async () => {
    await Promise.allSettled(clients.map((client) => client.stop()));
    await project.down();
  }, upMsMax);

  it('has three brokers, and each is a way in', async () => {
    for (const { kafkaPort } of project.gateways) {
      const seen = await kcat(kafkaPort, ['-L', '-t', topic]);
      const listed = [...seen.matchAll(/^ {2}broker (\d) at localhost:(\d+)/gm)];
      const wanted = project.gateways.map((gateway, place) => [place + 1, gateway.kafkaPort]);
      expect(listed.map(([, id, port]) => [Number(id), Number(port)])).toEqual(wanted);
      expect(seen).toContain(`topic "${topic}" with ${partitions} partitions`);
    }
  });

  it(
    'loses a gateway and a primary, and no record that was acknowledged',
    async () => {
      const options = { brokers: project.brokers, topic, retries };
      const writers = [await kafkajsWriter(options), kcatWriter(options)];
      const readers = [await kafkajsReader(options), kcatReader(options, 'group')];
      clients.push(...writers, ...readers);
      await untilAllProgress(clients);

      const { service } = project.gateways[1]!;
      await project.run('kill', service);
      await untilAllProgress(clients);
      const primary = await primaryOf(project);
      await project.run('kill', primary);
      await eventually(async () => (await primaryOf(project)) !== primary, laterMs);

      await project.run('up', '--detach', system);
      await eventually(() => followsThePrimary(project, primary), laterMs);
      await project.ready();
      await untilAllProgress(clients);

      await Promise.all(writers.map((writer) => writer.stop()));
      const told = clients.flatMap(({ name, errors }) => errors.map((one) => `${name}: ${one}`));
      expect(told.filter((text) => !refusal.test(text))).toEqual([]);
      await expectOnce(project, writers, readers, told.length);
    },
    testMsMax,
  );

  it(
    'is there again after all of it was ended, with every record',
    async () => {
      const before = await stored(project);
      // The containers are removed, and get other addresses.
      await project.run('down');
      await project.run('up', '--detach', system);
      await project.ready();
      expect(changes(before, await stored(project))).toEqual(unchanged);
      await kcat(project.kafkaPort, ['-P', '-t', topic, '-X', 'acks=all'], 'later\n');
      // Acknowledged, so it is there at once; the second look tells what is late from what is lost.
      const looks = [await stored(project), await stored(project)];
      const wanted = { ...unchanged, added: [expect.stringMatching(/^\d+ \d+ later$/)] };
      expect(looks.map((look) => changes(before, look))).toEqual([wanted, wanted]);
    },
    testMsMax,
  );
});

async function makeTopic(project: ComposeProject): Promise<void> {
  const admin = kafkaAt(project.kafkaPort).admin();
  await admin.connect();
  const configEntries = [{ name: 'min.insync.replicas', value: '2' }];
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] });
  await admin.disconnect();
}

/** The service that the Sentinels name. */
async function watchedPrimary(project: ComposeProject): Promise<string> {
  const asked = ['redis-cli', '-p', '26379', 'sentinel', 'get-master-addr-by-name', 'main'];
  const [name = ''] = (await project.inside('sentinel-1', ...asked)).split('\n');
  return name.trim();
}

/** The service that is the primary of the first slot, as the last server sees it. */
async function clusterPrimary(project: ComposeProject): Promise<string> {
  const nodes = await project.inside('cluster-redis-3', 'redis-cli', 'cluster', 'nodes');
  const [, address] = /^\S+ ([\d.]+):\S+ \S*master .* 0-/m.exec(nodes) ?? [];
  for (const n of [1, 2, 4, 5, 6]) {
    const service = `cluster-redis-${n}`;
    const own = await project.inside(service, 'hostname', '-i').catch(() => '');
    if (own.trim() === address) return service;
  }
  throw new Error(`nobody has the first slot:\n${nodes}`);
}

/** Whether this server has what its primary has. */
async function followsThePrimary(project: ComposeProject, service: string): Promise<boolean> {
  const role = await project.inside(service, 'redis-cli', 'role');
  return /^slave\n.*\n.*\nconnected\n/.test(role.replaceAll('\r', ''));
}

/** All that is in the topic, each record with its place. */
async function stored(project: ComposeProject): Promise<string[]> {
  const read = ['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', placedFormat];
  return (await kcat(project.kafkaPort, read)).trim().split('\n');
}

const unchanged = { missing: [], added: [], repeated: [] };

/** Which records are not there any more, which were not there before, and which came twice. */
function changes(before: readonly string[], now: readonly string[]) {
  const [known, there] = [new Set(before), new Set(now)];
  return {
    missing: before.filter((record) => !there.has(record)),
    added: now.filter((record) => !known.has(record)),
    repeated: now.filter((record, at) => now.indexOf(record) !== at),
  };
}

/**
 * All that was acknowledged is in the log once, and every reader has seen it.
 *
 * @param refused how many records were not acknowledged, and may be there too
 */
async function expectOnce(
  project: ComposeProject,
  writers: readonly SteadyClient[],
  readers: readonly SteadyClient[],
  refused: number,
): Promise<void> {
  const written = writers.flatMap(({ values }) => values);
  for (const { name, values } of readers) {
    const isComplete = () => {
      const seen = new Set(values);
      return written.every((value) => seen.has(value));
    };
    await eventually(isComplete, { what: `all at ${name}`, ...laterMs });
  }
  const log = (await stored(project)).map((line) => readPlaced(line).value);
  const there = new Set(log);
  expect(log.length).toBe(there.size);
  expect(written.filter((value) => !there.has(value))).toEqual([]);
  expect(there.size).toBeLessThanOrEqual(written.length + refused);
}
