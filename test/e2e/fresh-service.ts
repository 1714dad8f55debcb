import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@sluice/test/support/eventually';
import { freePort } from '@sluice/test/support/redis-local';
import { projectRoot } from '@sluice/test/tidy/source-files';

const runFile = promisify(execFile);
/** An installation on a busy machine, with a cold cache. */
export const installMsMax = 10 * 60_000;

/** Of this spec alone: another that makes them at the same time must not take them away. */
const packagesFolder = mkdtempSync(join(tmpdir(), 'sluice-packages-'));
const document = join(projectRoot, 'docs/getting-started-nestjs.md');

/** Makes the packages, as whoever wants to install them does. */
export async function makePackages(): Promise<void> {
  await run(projectRoot, process.execPath, ['scripts/pack.mjs', packagesFolder]);
}

export function removePackages(): void {
  rmSync(packagesFolder, { recursive: true, force: true });
}

/** The folders of the packages, by the names of their libraries. */
export function packageFolders(): Map<string, string> {
  const names = readdirSync(packagesFolder).filter((name) => !name.endsWith('.tgz'));
  return new Map(names.map((name) => [name, join(packagesFolder, name)]));
}

/** The service of docs/getting-started-nestjs.md, as it stands there. */
export function documentedService(): string {
  const [, code] = /^`src\/main\.ts`:\n+```ts\n(.*?)^```/ms.exec(readFileSync(document, 'utf8'))!;
  return code!;
}

/** What the project has installed of a package. */
export function projectVersion(name: string): string {
  const file = join(projectRoot, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** A service in a folder of its own, away from the project, that uses the packages. */
export class FreshService {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-service-'));
  output = '';
  #child: ChildProcess | null = null;
  #port = 0;

  /** @param moduleType `module`: its code is an ES module */
  constructor(moduleType: 'commonjs' | 'module') {
    const compilerOptions = {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      target: 'ES2023',
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: false,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      esModuleInterop: true,
      isolatedModules: true,
      skipLibCheck: true,
      types: ['node'],
      rootDir: 'src',
      outDir: 'dist',
    };
    mkdirSync(join(this.folder, 'src'));
    this.#write('package.json', JSON.stringify({ private: true, type: moduleType }));
    this.#write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    this.#write('src/main.ts', documentedService());
  }

  /** With npm: the tarballs, and others from the registry. */
  async install(others: readonly string[]): Promise<void> {
    const names = readdirSync(packagesFolder).filter((name) => name.endsWith('.tgz'));
    const tarballs = names.map((name) => join(packagesFolder, name));
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    await run(this.folder, 'npm', ['install', ...flags, ...tarballs, ...others]);
  }

  /** Without a registry: the tarballs are unpacked, and others are those of the project. */
  async link(): Promise<void> {
    const own = join(this.folder, 'node_modules');
    const theirs = join(projectRoot, 'node_modules');
    mkdirSync(join(own, '@sluice'), { recursive: true });
    for (const name of readdirSync(theirs).filter((one) => !one.startsWith('.'))) {
      symlinkSync(join(theirs, name), join(own, name));
    }
    for (const tarball of readdirSync(packagesFolder).filter((name) => name.endsWith('.tgz'))) {
      const [, library] = /^sluice-(.+)-\d+\.\d+\.\d+.*\.tgz$/.exec(tarball)!;
      const folder = join(own, '@sluice', library!);
      mkdirSync(folder);
      const strip = ['--strip-components=1', '-C', folder];
      await run(this.folder, 'tar', ['-xzf', join(packagesFolder, tarball), ...strip]);
    }
  }

  /** @throws what the compiler says */
  async compile(): Promise<void> {
    const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
    await run(this.folder, process.execPath, [compiler, '-p', '.']);
  }

  /** Runs it until it answers over HTTP. */
  async start(redisUrl: string): Promise<void> {
    this.#port = await freePort();
    const env = { ...process.env, REDIS_URL: redisUrl, PORT: String(this.#port) };
    const child = spawn(process.execPath, ['dist/main.js'], { cwd: this.folder, env });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => (this.output += String(text)));
    }
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`it ended:\n${this.output}`);
      return (await fetch(this.#url('/')).catch(() => null)) !== null;
    });
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    return (await fetch(this.#url(path), init)).json();
  }

  /** Ends the process and removes the folder. */
  async remove(): Promise<void> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  #write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }
}

/** @throws Error with what it printed */
async function run(cwd: string, command: string, args: readonly string[]): Promise<void> {
  try {
    await runFile(command, args, { cwd, timeout: installMsMax, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}
