import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { eventually } from '@sluice/test/support/eventually';
import { freePort } from '@sluice/test/support/redis-local';
import { projectRoot } from '@sluice/test/tidy/source-files';

/** The image is built, and the packages come over the network. */
export const upMsMax = 20 * 60_000;
const downSeconds = 20;
const answerMsMax = 10_000;
const readyMsMax = 180_000;
const profiles = ['observe', 'sentinel', 'cluster'].flatMap((name) => ['--profile', name]);

/** What is in docker-compose.yml: the usual system, and those of two profiles. */
export type ComposeSystem = 'usual' | 'sentinel' | 'cluster';

const gatewayCount = 3;

/** Each of its three gateways, by its place from 0 on, as others find it. */
export interface ComposeGateway {
  service: string;
  kafkaPort: number;
  adminPort: number;
}

/** What `docker compose up` starts, as a stranger does it, on ports that are free. */
export class ComposeProject {
  readonly #name: string;

  private constructor(
    purpose: string,
    readonly system: ComposeSystem,
    readonly gateways: readonly ComposeGateway[],
    readonly prometheusPort: number,
  ) {
    // The same for each run, so that what the engine has built is used again; another one for
    // another copy of the project.
    const copy = createHash('sha256').update(projectRoot).digest('hex').slice(0, 8);
    this.#name = `sluice-${purpose}-${copy}`;
  }

  /** @param purpose tells projects apart that run at the same time */
  static async make(purpose: string, system: ComposeSystem = 'usual'): Promise<ComposeProject> {
    const gateways: ComposeGateway[] = [];
    for (let n = 1; n <= gatewayCount; n++) {
      const service = system === 'usual' ? `gateway-${n}` : `${system}-gateway-${n}`;
      gateways.push({ service, kafkaPort: await freePort(), adminPort: await freePort() });
    }
    return new ComposeProject(purpose, system, gateways, await freePort());
  }

  /** Of the first gateway, where any of them does. */
  get kafkaPort(): number {
    return this.gateways[0]!.kafkaPort;
  }

  /** Of the first gateway, where any of them does. */
  get adminPort(): number {
    return this.gateways[0]!.adminPort;
  }

  /** What clients are given to begin with. */
  get brokers(): string[] {
    return this.gateways.map(({ kafkaPort }) => `localhost:${kafkaPort}`);
  }

  /** Builds and starts these services and what they depend on; a run before has left nothing. */
  async up(...services: string[]): Promise<void> {
    await this.down();
    await this.run('up', '--build', '--detach', ...services);
  }

  /** Ends everything and forgets its data; images stay, for the next build. */
  async down(): Promise<void> {
    await this.run('down', '--volumes', '--remove-orphans', '--timeout', String(downSeconds));
  }

  /** The key of the role admin, as the README says how to get at it. */
  async adminKey(): Promise<string> {
    const [{ service } = { service: '' }] = this.gateways;
    return (await this.inside(service, 'cat', '/keys/admin.key')).trim();
  }

  /** Resolves when each gateway serves. */
  async ready(): Promise<void> {
    for (const gateway of this.gateways) {
      await eventually(async () => (await ask(gateway, '/health/ready')).ok, {
        what: `that ${gateway.service} serves`,
        timeoutMs: readyMsMax,
      });
    }
  }

  /** Asks the admin port of the first gateway; without a key nobody is told who asks. */
  ask(path: string, options: AskOptions = {}): Promise<Response> {
    return ask(this.gateways[0]!, path, options);
  }

  /** Asks the admin port of each gateway, in their order. */
  askAll(path: string, options: AskOptions = {}): Promise<Response[]> {
    return Promise.all(this.gateways.map((gateway) => ask(gateway, path, options)));
  }

  /** Runs a program in a service's container. */
  inside(service: string, ...command: string[]): Promise<string> {
    return this.run('exec', '-T', service, ...command);
  }

  /** All that a service has written to its log. */
  logs(service: string): Promise<string> {
    return this.run('logs', '--no-color', service);
  }

  /** What the engine knows of a service's container. */
  async inspect(service: string): Promise<Inspected> {
    const id = (await this.run('ps', '--quiet', service)).trim();
    const [found] = JSON.parse(await output(['docker', 'inspect', id], {})) as Inspected[];
    return found!;
  }

  /** @returns what Compose wrote to its standard output; throws all of it when it fails */
  run(...args: string[]): Promise<string> {
    return output([...composeCommand(), '-p', this.#name, ...profiles, ...args], this.#env());
  }

  #env(): NodeJS.ProcessEnv {
    const infix = this.system === 'usual' ? '' : `${this.system.toUpperCase()}_`;
    const ports = this.gateways.flatMap(({ kafkaPort, adminPort }, place) => {
      const suffix = place === 0 ? '' : `_${place + 1}`;
      return [
        [`SLUICE_${infix}PORT${suffix}`, String(kafkaPort)],
        [`SLUICE_${infix}ADMIN_PORT${suffix}`, String(adminPort)],
      ];
    });
    return {
      ...Object.fromEntries(ports),
      PROMETHEUS_PORT: String(this.prometheusPort),
      // A busy engine may take longer than the minute that docker-compose would wait.
      COMPOSE_HTTP_TIMEOUT: '600',
    };
  }
}

type AskOptions = RequestInit & { key?: string };

function ask(
  { adminPort }: ComposeGateway,
  path: string,
  { key, ...init }: AskOptions = {},
): Promise<Response> {
  const headers = { ...init.headers, ...(key && { authorization: `Bearer ${key}` }) };
  // Whoever asks while the container is being started may be left without an answer.
  const signal = AbortSignal.timeout(answerMsMax);
  return fetch(`http://127.0.0.1:${adminPort}${path}`, { ...init, headers, signal });
}

/** The part of `docker inspect` that is looked at. */
export interface Inspected {
  State: { Health?: { Status: string } };
  RestartCount: number;
  Config: { User: string };
  HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[] | null };
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> };
}

/** Docker's own, or the program that came before it. */
function composeCommand(): string[] {
  const isThere = spawnSync('docker', ['compose', 'version']).status === 0;
  return isThere ? ['docker', 'compose'] : ['docker-compose'];
}

/** Settings of whoever runs the tests do not reach it. */
function output(command: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const [program = '', ...args] = command;
  const own = Object.entries(process.env).filter(([name]) => !/^(SLUICE_|COMPOSE_)/.test(name));
  const child = spawn(program, args, {
    cwd: projectRoot,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let all = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
    all += String(chunk);
  });
  child.stderr.on('data', (chunk) => (all += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${command.join(' ')}: exit code ${code}\n${all.slice(-10_000)}`));
    });
  });
}
