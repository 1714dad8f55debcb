import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { freePort } from '@sluice/test/support/redis-local';
import { projectRoot } from '@sluice/test/tidy/source-files';

/** The image is built, and the packages come over the network. */
export const upMsMax = 20 * 60_000;
const downSeconds = 20;
const answerMsMax = 10_000;

/** What `docker compose up` starts, as a stranger does it, on ports that are free. */
export class ComposeProject {
  readonly #name: string;

  private constructor(
    purpose: string,
    readonly kafkaPort: number,
    readonly adminPort: number,
    readonly prometheusPort: number,
  ) {
    // The same for each run, so that what the engine has built is used again; another one for
    // another copy of the project.
    const copy = createHash('sha256').update(projectRoot).digest('hex').slice(0, 8);
    this.#name = `sluice-${purpose}-${copy}`;
  }

  /** @param purpose tells projects apart that run at the same time */
  static async make(purpose: string): Promise<ComposeProject> {
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    return new ComposeProject(purpose, ...ports);
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
    return (await this.inside('gateway', 'cat', '/keys/admin.key')).trim();
  }

  /** Asks the admin port; without a key nobody is told who asks. */
  ask(path: string, { key, ...init }: RequestInit & { key?: string } = {}): Promise<Response> {
    const headers = { ...init.headers, ...(key && { authorization: `Bearer ${key}` }) };
    // Whoever asks while the container is being started may be left without an answer.
    const signal = AbortSignal.timeout(answerMsMax);
    return fetch(`http://127.0.0.1:${this.adminPort}${path}`, { ...init, headers, signal });
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
    const profile = ['--profile', 'observe'];
    return output([...composeCommand(), '-p', this.#name, ...profile, ...args], this.#env());
  }

  #env(): NodeJS.ProcessEnv {
    return {
      SLUICE_PORT: String(this.kafkaPort),
      SLUICE_ADMIN_PORT: String(this.adminPort),
      PROMETHEUS_PORT: String(this.prometheusPort),
      // A busy engine may take longer than the minute that docker-compose would wait.
      COMPOSE_HTTP_TIMEOUT: '600',
    };
  }
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
