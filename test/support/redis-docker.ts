import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartedTestContainer } from 'testcontainers';
import type { TestRedis } from './redis';
import { answersPing, freePort } from './redis-local';
import { writeOut } from './write-out';

/** The image that tests in containers use. */
export const redisImage = 'redis:7.4.2-alpine';

const redisPort = 6379;
const startTimeoutMs = 60_000;
const engineAnswerMsMax = 500;

/** True when a Docker engine answers at once. */
export async function dockerAnswers(): Promise<boolean> {
  const given = process.env.DOCKER_HOST;
  if (given !== undefined && /^(tcp|http):/.test(given)) {
    const { hostname, port } = new URL(given.replace(/^tcp:/, 'http:'));
    return pings({ host: hostname, port: Number(port || 2375) });
  }
  const sockets =
    given === undefined
      ? [
          '/var/run/docker.sock',
          join(process.env.XDG_RUNTIME_DIR ?? '/run', 'docker.sock'),
          join(homedir(), '.docker', 'run', 'docker.sock'),
        ]
      : [given.replace(/^unix:\/\//, '')];
  for (const socketPath of sockets) {
    if (await pings({ socketPath })) return true;
  }
  return false;
}

function pings(target: { socketPath: string } | { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: engineAnswerMsMax }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once('timeout', () => ping.destroy());
    ping.once('error', () => resolve(false));
    ping.once('close', () => resolve(false));
    ping.end();
  });
}

/** Loaded where it is used alone: Jest loads all anew for each spec, and of this there is a lot. */
function testcontainers(): Promise<typeof import('testcontainers')> {
  return import('testcontainers');
}

/** Starts a server in a container; its port on this machine stays the same over restarts. */
export async function startDockerRedis(args: readonly string[]): Promise<TestRedis> {
  const port = await freePort();
  const { GenericContainer, Wait } = await testcontainers();
  const container = await new GenericContainer(redisImage)
    .withExposedPorts({ container: redisPort, host: port })
    .withCommand(['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', ...args])
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .withStartupTimeout(startTimeoutMs)
    .start();
  return new DockerRedis(container, port);
}

class DockerRedis implements TestRedis {
  readonly host: string;
  readonly url: string;
  readonly adminUrl: string;
  readonly peer: { host: string; port: number };
  readonly pid = null;
  readonly beforeStop = new Set<() => Promise<void>>();
  readonly #endGuard: () => void;
  #stopped = false;

  constructor(
    private readonly container: StartedTestContainer,
    readonly port: number,
  ) {
    this.host = container.getHost();
    this.url = `redis://${this.host}:${port}`;
    this.adminUrl = this.url;
    this.peer = { host: container.getIpAddress('bridge'), port: redisPort };
    this.#endGuard = spawnGuard(container.getId());
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await Promise.all([...this.beforeStop].map((action) => action()));
    // A frozen container cannot be stopped, and a killed one need not be.
    await ignoring(this.resume());
    await this.container.stop({ timeout: 0 });
    this.#endGuard();
  }

  async kill(): Promise<void> {
    await writeOut(this);
    await ignoring((await this.#engine()).kill({ signal: 'SIGKILL' }));
  }

  async restart(): Promise<void> {
    await this.kill();
    await (await this.#engine()).start();
    const untilMs = Date.now() + startTimeoutMs;
    while (!(await answersPing(this.host, this.port))) {
      if (Date.now() > untilMs) throw new Error('Redis did not start again in its container.');
      await sleep(20);
    }
  }

  async pause(): Promise<void> {
    await (await this.#engine()).pause();
  }

  async resume(): Promise<void> {
    await (await this.#engine()).unpause();
  }

  async #engine() {
    const { getContainerRuntimeClient } = await testcontainers();
    const client = await getContainerRuntimeClient();
    return client.container.getById(this.container.getId());
  }
}

/** The engine refuses what is already so (not running, not frozen); that is as good as done. */
async function ignoring(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch {
    // Already in the wanted state.
  }
}

/**
 * Removes the container when this process ends without having stopped it. Testcontainers' own
 * reaper does the same, except where TESTCONTAINERS_RYUK_DISABLED turns it off.
 */
function spawnGuard(containerId: string): () => void {
  if (process.env.TESTCONTAINERS_RYUK_DISABLED !== 'true') return () => undefined;
  const guard = spawn('sh', ['-c', 'cat >/dev/null; docker rm -f "$1"', 'guard', containerId], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  return () => void guard.stdin.end();
}
