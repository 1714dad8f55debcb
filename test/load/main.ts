import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import type { BenchContext, Measurement } from './bench-context';
import { textReport } from './report';
import { measureExamine } from './scenarios/examine';
import { measureFetch } from './scenarios/fetch';
import { measureLatency } from './scenarios/latency';
import { measureMemory } from './scenarios/memory';
import { largeBatches, measureProduce, singleRecords } from './scenarios/produce';

const help = `npm run bench -- [options]

Writes and reads through a gateway and, in the same run, the same bytes straight to Redis; prints
both and the ratio. It starts a Redis (redis-server or valkey-server) and gateways of its own on
this machine, and ends them.

  --quick          smaller amounts, for a first look
  --rounds N       rounds of each comparison; the median counts (default 3)
  --only NAMES     some of: produce, single, fetch, latency, memory, examine
                   (comma-separated; without examine unless it is named)
  --aof            Redis with its append-only file on (everysec), as npm start runs it
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
};
const usual = Object.keys(scenarios).filter((name) => name !== 'examine');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: usual.join(',') },
      aof: { type: 'boolean', default: false },
      json: { type: 'string' },
      gateway: { type: 'string' },
      'node-flags': { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const wanted = values.only.split(',');
  const unknown = wanted.filter((name) => !(name in scenarios));
  if (unknown.length > 0) throw new Error(`unknown scenario ${unknown.join(', ')}; see --help`);
  if (!values.gateway) throw new Error('start it with npm run bench');
  const results: Measurement[] = [];
  const server = await startRedis(values.aof);
  const options = { quick: values.quick, rounds: Number(values.rounds) || 3 };
  const nodeFlags = values['node-flags'].split(' ').filter(Boolean);
  const context = benchContext(server, { entry: values.gateway, nodeFlags }, options);
  try {
    for (const name of wanted) results.push(...(await scenarios[name]!(context)));
  } finally {
    await context.stopGateway();
    await server.stop();
  }
  const processors = `${cpus().length} × ${cpus()[0]?.model}`;
  const machine = `${processors}, Node ${process.version}, ${server.version}`;
  process.stdout.write(`\n${textReport(machine, results)}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`);
  if (results.some(({ met }) => met === false)) process.exitCode = 1;
}

interface Server {
  url: string;
  redis: Redis;
  version: string;
  stop(): Promise<void>;
}

async function startRedis(aof: boolean): Promise<Server> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const args = ['--port', String(port), '--dir', dir, '--save', '', '--bind', '127.0.0.1'];
  args.push('--appendonly', aof ? 'yes' : 'no', '--stream-node-max-bytes', '1mb');
  const child = await spawnFirst(['redis-server', 'valkey-server'], args);
  const url = `redis://127.0.0.1:${port}`;
  // The first attempts may come before the server listens; info() below waits for it.
  const redis = new Redis(url, { retryStrategy: () => 50 }).on('error', () => {});
  const version = /(?:redis|valkey)_version:(\S+)/.exec(await redis.info('server'))?.[0] ?? '';
  const stop = async () => {
    redis.disconnect();
    await ended(child);
    rmSync(dir, { recursive: true, force: true });
  };
  return { url, redis, version: version.replace('_version:', ' '), stop };
}

/** Starts the first of these programs that exists. */
async function spawnFirst(programs: string[], args: string[]): Promise<ChildProcess> {
  for (const program of programs) {
    const child = spawn(program, args, { stdio: 'ignore' });
    const started = await new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if (started) return child;
  }
  throw new Error(`none of ${programs.join(', ')} is installed; the bench needs one`);
}

function benchContext(
  { url, redis }: Server,
  program: { entry: string; nodeFlags: string[] },
  options: { quick: boolean; rounds: number },
): BenchContext {
  let gateway: ChildProcess | null = null;
  return {
    redis,
    ...options,
    progress: (line) => process.stderr.write(`· ${line}\n`),
    async startGateway() {
      const env = { ...process.env, REDIS_URL: url, SLUICE_PORT: '0', SLUICE_LOG_LEVEL: 'error' };
      const child = fork(program.entry, {
        env,
        execArgv: program.nodeFlags,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      gateway = child;
      return new Promise<number>((resolve, reject) => {
        child.once('message', (message: { port: number }) => resolve(message.port));
        child.once('exit', (code) => reject(new Error(`the gateway ended with status ${code}`)));
      });
    },
    async stopGateway() {
      if (gateway) await ended(gateway);
      gateway = null;
    },
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
