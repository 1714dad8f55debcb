import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchContext, Measurement } from './bench-context';
import { startGateway, type GatewayProcess, type GatewayProgram } from './gateways';
import { textReport } from './report';
import { measureBeside } from './scenarios/beside';
import { measureExamine } from './scenarios/examine';
import { measureFetch } from './scenarios/fetch';
import { brokerScenarios, measureBesideBroker, type Endpoint } from './scenarios/other-broker';
import { buildWorks, measureBesideBuild } from './scenarios/other-build';
import { measureLatency } from './scenarios/latency';
import { measureMemory } from './scenarios/memory';
import { measureTrim } from './scenarios/trim';
import { largeBatches, measureProduce, singleRecords } from './scenarios/produce';
import { measureSpread } from './scenarios/spread';
import { startRedis, type Server } from './servers';

const help = `npm run bench -- [options]

Writes and reads through a gateway and, in the same run, the same bytes straight to Redis; prints
both and the ratio. It starts a Redis (redis-server or valkey-server) and gateways of its own on
this machine, and ends them.

  --quick          smaller amounts, for a first look
  --rounds N       rounds of each comparison; the median counts (default 3)
  --only NAMES     some of: produce, single, fetch, latency, memory, examine, trim, beside,
                   spread, transport (comma-separated; the last five only where they are named,
                   and "npm run bench -- transport" is short for --only transport)
  --aof            Redis with its append-only file on (everysec), as npm start runs it
  --broker H:P     beside a gateway, in turns, the only broker of a Kafka cluster at that address
                   instead of bare Redis: the same Produce (v7) and Fetch (v12) requests, in topics
                   named sluice-bench-… that are made for it and deleted again. Implies --aof. Some
                   of: produce, single, fetch, latency
  --other FILE     beside another build of the gateway, in turns: five processes of each. FILE is
                   its dist/apps/gateway/apps/gateway/src/main.js. Some of: produce, single, fetch
  --json FILE      also write the results as JSON
  --help           this text
`;

const scenarios: Record<string, (context: BenchContext) => Promise<Measurement[]>> = {
  produce: async (context) => [await measureProduce(context, largeBatches(context))],
  single: async (context) => [await measureProduce(context, singleRecords(context))],
  fetch: measureFetch,
  latency: measureLatency,
  memory: measureMemory,
  examine: async (context) => measureExamine(context),
  trim: measureTrim,
  beside: measureBeside,
  spread: measureSpread,
  // NestJS and its transports take time to load, which others need not wait for.
  transport: async (context) =>
    (await import('./scenarios/transport.js')).measureTransport(context),
};
/** These are measured only where they are named. */
const named = ['examine', 'trim', 'beside', 'spread', 'transport'];
const usual = Object.keys(scenarios).filter((name) => !named.includes(name));

/** Printed below the figures: a ratio of rates says nothing of what was promised for them. */
const promises = `What an answer with acks=1 means is not the same on both sides:
  Sluice   the one Redis has run the append and handed it to its append-only file, which it
           syncs once a second. Killed processes lose nothing; a power cut may take the last
           second or two.
  Kafka    with its default settings the leader has written to its operating system's cache, and
           leaves it to that to sync the file. A killed broker loses nothing; a power cut may take
           what was not synced yet, unless replicas have it.
  Another  broker's promise stands in its own documents.
`;

/** What is measured, and beside what. */
interface Asked {
  readonly broker: Endpoint | null;
  /** The program of another build; null: none. */
  readonly other: string | null;
  readonly wanted: readonly string[];
  readonly values: ReturnType<typeof readArguments>['values'];
}

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string' },
      aof: { type: 'boolean', default: false },
      json: { type: 'string' },
      broker: { type: 'string' },
      other: { type: 'string' },
      gateway: { type: 'string', default: '' },
      'node-flags': { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
}

/** @throws Error for what is not understood */
function asked({ values, positionals }: ReturnType<typeof readArguments>): Asked {
  const broker = values.broker === undefined ? null : endpoint(values.broker);
  const other = values.other === undefined ? null : resolve(values.other);
  if (broker !== null && other !== null) throw new Error('either --broker or --other, not both');
  if (other !== null && !existsSync(other)) {
    throw new Error(`--other: there is no ${other}; build that one with npm run build`);
  }
  const isPlain = broker === null && other === null;
  const known = Object.keys(isPlain ? scenarios : broker === null ? buildWorks : brokerScenarios);
  const only = values.only?.split(',') ?? (positionals.length > 0 ? positionals : undefined);
  const wanted = only ?? (isPlain ? usual : known);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`unknown scenario ${unknown.join(', ')}; see --help`);
  if (values.gateway === '') throw new Error('start it with npm run bench');
  return { broker, other, wanted, values };
}

async function measure(context: BenchContext, { broker, other, wanted }: Asked) {
  if (broker !== null) return measureBesideBroker(context, broker, wanted);
  const untilInterrupted = (measuring: Promise<Measurement[]>) =>
    Promise.race([measuring, context.interrupted]);
  if (other !== null) return untilInterrupted(measureBesideBuild(context, wanted));
  const results: Measurement[] = [];
  for (const name of wanted) results.push(...(await untilInterrupted(scenarios[name]!(context))));
  return results;
}

async function main(): Promise<void> {
  const given = readArguments();
  if (given.values.help) return void process.stdout.write(help);
  const all = asked(given);
  const { values, broker, other } = all;
  const aof = values.aof || broker !== null;
  const server = await startRedis(aof);
  const options = { quick: values.quick, rounds: Number(values.rounds) || 3, aof };
  const nodeFlags = values['node-flags'].split(' ').filter(Boolean);
  const builds = {
    this: { entry: values.gateway, nodeFlags },
    other: { entry: other ?? values.gateway, nodeFlags },
  };
  const context = benchContext(server, builds, options);
  let results: Measurement[];
  try {
    results = await measure(context, all);
  } finally {
    await context.stopGateway();
    await server.stop();
  }
  const processors = `${cpus().length} × ${cpus()[0]?.model}`;
  const machine = `${processors}, Node ${process.version}, ${server.version}`;
  process.stdout.write(`\n${textReport(machine, results)}`);
  if (broker !== null) process.stdout.write(`\n${promises}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`);
  if (results.some(({ met }) => met === false)) process.exitCode = 1;
}

/** @throws Error when it is not a host and a port */
function endpoint(text: string): Endpoint {
  const [, host, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text)?.filter(Boolean) ?? [];
  if (host === undefined) throw new Error(`--broker wants host:port, not "${text}"`);
  return { host, port: Number(port) };
}

function benchContext(
  { url, redis }: Server,
  builds: Record<'this' | 'other', GatewayProgram>,
  options: Pick<BenchContext, 'quick' | 'rounds' | 'aof'>,
): BenchContext {
  const gateways: GatewayProcess[] = [];
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
    }
  });
  interrupted.catch(() => undefined);
  return {
    redis,
    interrupted,
    ...options,
    progress: (line) => process.stderr.write(`· ${line}\n`),
    async startGateway(at = url) {
      const gateway = await startGateway(builds.this, at);
      gateways.push(gateway);
      return gateway.port;
    },
    async startBuild(build, keyPrefix) {
      const gateway = await startGateway(builds[build], url, { SLUICE_KEY_PREFIX: keyPrefix });
      gateways.push(gateway);
      return gateway;
    },
    async stopGateway() {
      await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
    },
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
