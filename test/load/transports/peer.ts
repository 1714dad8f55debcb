import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The Redis-Streams transport from npm that still runs on NestJS 12, and its client of Redis. */
const packages = ['@nestjs-redis/streams-transporter@2.0.1', 'redis@6.3.1', 'tslib@2.8.1'];
const installMsMax = 120_000;

/** A peer that is no package of this project: it is installed for the time of the bench. */
export interface InstalledPeer {
  entry: string;
  remove(): void;
}

/**
 * Installs the peer with npm; it uses the project's own NestJS.
 *
 * @param modules the node_modules of the project
 * @throws Error when npm cannot
 */
export function installPeer(modules: string): InstalledPeer {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-peer-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const flags = [
      '--no-audit',
      '--no-fund',
      '--no-save',
      '--legacy-peer-deps',
      '--prefer-offline',
    ];
    const options = { cwd: folder, timeout: installMsMax, stdio: 'pipe' } as const;
    execFileSync('npm', ['install', ...flags, ...packages], options);
    for (const name of ['@nestjs', 'rxjs', 'reflect-metadata']) {
      symlinkSync(join(modules, name), join(folder, 'node_modules', name));
    }
  } catch (error) {
    remove();
    throw error;
  }
  const entry = 'node_modules/@nestjs-redis/streams-transporter/dist/index.js';
  return { entry: join(folder, entry), remove };
}
