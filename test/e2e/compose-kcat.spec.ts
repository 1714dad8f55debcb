import { eventually } from '@sluice/test/support/eventually';
import { kcat } from '@sluice/test/support/kcat';
import {
  kafkajsWriter,
  kcatReader,
  kcatWriter,
  untilAllProgress,
  type SteadyClient,
} from '@sluice/test/support/steady-clients';
import { ConfigResourceTypes, Kafka, logLevel, type Admin } from 'kafkajs';
import { ComposeProject, upMsMax } from './compose-project';
import { printedBy, takeTour } from './readme-tour';

const laterMs = { timeoutMs: 120_000 };
const gateways = ['gateway-1', 'gateway-2', 'gateway-3'];
let project: ComposeProject;

beforeAll(async () => {
  project = await ComposeProject.make('e2e');
  await project.up(...gateways, 'worker');
  await project.ready();
}, upMsMax);

afterAll(() => project.down(), upMsMax);

async function isReady(): Promise<boolean> {
  return (await project.ask('/health/ready')).ok;
}

async function withAdmin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
  const brokers = [`localhost:${project.kafkaPort}`];
  const admin = new Kafka({ clientId: 'compose', brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

async function read(topic: string): Promise<string> {
  return kcat(project.kafkaPort, ['-C', '-q', '-t', topic, '-o', 'beginning', '-e']);
}

describe('docker compose up', () => {
  it('serves Kafka clients of this machine', async () => {
    await kcat(project.kafkaPort, ['-P', '-t', 'greetings'], 'hello\n');
    expect(await read('greetings')).toBe('hello\n');
  });

  it('says that each gateway is healthy once it serves', async () => {
    for (const gateway of gateways) {
      await eventually(async () => {
        const { State } = await project.inspect(gateway);
        return State.Health?.Status === 'healthy';
      }, laterMs);
    }
  });

  it('is one cluster of three brokers, each of which leads partitions', async () => {
    const { brokers } = await withAdmin((admin) => admin.describeCluster());
    const found = brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port }));
    const wanted = project.gateways.map(({ kafkaPort: port }, place) => {
      return { nodeId: place + 1, host: 'localhost', port };
    });
    expect(found.sort((a, b) => a.nodeId - b.nodeId)).toEqual(wanted);
    const topic = 'spread';
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 6 }] }));
    const { topics } = await withAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    const leaders = new Set(topics[0]!.partitions.map(({ leader }) => leader));
    expect([...leaders].sort()).toEqual([1, 2, 3]);
  });

  it('goes on while a gateway is killed and comes back', async () => {
    const options = { brokers: project.brokers, topic: 'spread' };
    const clients = [
      await kafkajsWriter(options),
      kcatWriter(options),
      kcatReader(options, 'group'),
    ];
    const [kafkajs, writer, reader] = clients as [SteadyClient, SteadyClient, SteadyClient];
    try {
      await untilAllProgress(clients);
      await project.run('kill', 'gateway-2');
      await untilAllProgress(clients);
      await project.run('up', '--detach', 'gateway-2');
      await project.ready();
      await untilAllProgress(clients);
    } finally {
      await Promise.all([kafkajs, writer].map((client) => client.stop()));
    }
    const written = new Set([...kafkajs.values, ...writer.values]);
    await eventually(() => new Set(reader.values).size >= written.size, laterMs);
    await reader.stop();
    expect(clients.flatMap(({ errors }) => errors)).toEqual([]);
    const stored = (await read('spread')).trim().split('\n');
    expect(stored).toHaveLength(written.size);
    expect(new Set(stored)).toEqual(written);
  }, 300_000);

  it('opens the admin endpoints for the key that it has made, and for nobody else', async () => {
    const key = await project.adminKey();
    expect((await project.ask('/metrics')).status).toBe(401);
    expect((await project.ask('/metrics', { key: `${key}x` })).status).toBe(401);
    expect((await project.ask('/metrics', { key })).status).toBe(200);
    const listed = await project.inside('gateway-1', 'ls', '-l', '/keys');
    expect(listed).toMatch(/^-rw------- .* admin-keys$/m);
    expect(listed).toMatch(/^-rw------- .* admin\.key$/m);
    expect(await project.logs('keys')).not.toContain(key);
    expect(await project.logs('gateway-1')).not.toContain(key);
  });

  it('opens no port to other machines', async () => {
    for (const service of ['redis', ...gateways, 'worker']) {
      const { Ports } = (await project.inspect(service)).NetworkSettings;
      const published = Object.values(Ports).flatMap((bindings) => bindings ?? []);
      const others = published.filter(({ HostIp }) => HostIp !== '127.0.0.1');
      expect({ service, others }).toEqual({ service, others: [] });
    }
  });

  it('has a worker that trims topics, which the gateway leaves to it', async () => {
    const topic = 'short-lived';
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic }] }));
    await kcat(project.kafkaPort, ['-P', '-t', topic], 'one\ntwo\n');
    const configEntries = [{ name: 'retention.ms', value: '1000' }];
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries };
    await withAdmin((admin) => admin.alterConfigs({ resources: [resource], validateOnly: false }));
    const logStart = () =>
      withAdmin(async (admin) => (await admin.fetchTopicOffsets(topic))[0]?.low);
    await eventually(async () => (await logStart()) === '2', laterMs);
    const line = /job retention is done/;
    await eventually(async () => line.test(await project.logs('worker')), laterMs);
    expect(await project.logs('gateway-1')).not.toMatch(line);
  });

  it('runs a Redis that keeps all on disk, evicts nothing and has a limit', async () => {
    const wanted = {
      appendonly: 'yes',
      appendfsync: 'everysec',
      maxmemory: String(1024 ** 3),
      'maxmemory-policy': 'noeviction',
      'stream-node-max-bytes': String(1024 ** 2),
    };
    for (const [name, value] of Object.entries(wanted)) {
      const answer = await project.inside('redis', 'redis-cli', 'config', 'get', name);
      expect(answer.trim().split(/\s+/)).toEqual([name, value]);
    }
  });

  it("takes the README's tour as it is written", async () => {
    const { kafkaPort, adminPort } = project;
    const steps = await takeTour({ kafkaPort, adminPort, key: await project.adminKey() });
    expect(printedBy(steps, '%p/%o')).toMatch(/alice = 12/);
    expect(printedBy(steps, '/metrics')).toMatch(/^sluice_produced_records_total/m);
  });

  it('starts a killed gateway again, with every record', async () => {
    await kcat(project.kafkaPort, ['-P', '-t', 'kept', '-X', 'acks=all'], 'kept\n');
    const before = (await project.inspect('gateway-1')).RestartCount;
    // Everything of its user but the first process, which passes on how it ended.
    await project.inside('gateway-1', 'sh', '-c', 'kill -9 -1').catch(() => undefined);
    await eventually(
      async () => (await project.inspect('gateway-1')).RestartCount > before && (await isReady()),
      laterMs,
    );
    expect(await read('kept')).toBe('kept\n');
  });

  it('keeps key and data over an end and another start', async () => {
    const key = await project.adminKey();
    await kcat(project.kafkaPort, ['-P', '-t', 'stays', '-X', 'acks=all'], 'stays\n');
    await project.run('stop', ...gateways, 'worker', 'redis');
    expect(await project.logs('gateway-1')).toMatch(/ stopped\s*$/m);
    await project.run('up', '--detach', ...gateways, 'worker');
    await project.ready();
    expect(await project.adminKey()).toBe(key);
    expect(await read('stays')).toBe('stays\n');
  });
});

describe('the image', () => {
  it('runs as a user without rights, on a file system that cannot be changed', async () => {
    for (const service of ['gateway-1', 'worker']) {
      const { Config, HostConfig } = await project.inspect(service);
      expect(Config.User).toBe('node');
      expect(HostConfig.ReadonlyRootfs).toBe(true);
      expect(HostConfig.CapDrop).toEqual(['ALL']);
    }
  });

  it('has what runs, and no sources, tests, tools or data', async () => {
    const files = (await project.inside('gateway-1', 'find', '/app', '-type', 'f')).split('\n');
    const own = files.filter((file) => !file.includes('/node_modules/'));
    const places = new Set(own.filter(Boolean).map((file) => file.split('/')[2]));
    expect([...places].sort()).toEqual(['dist', 'package.json', 'scripts']);
    const unwanted = /\.spec\.|\.(ts|map)$|\/\.env|\/node_modules\/(typescript|jest|kafkajs)\//;
    expect(files.filter((file) => unwanted.test(file))).toEqual([]);
  });
});
