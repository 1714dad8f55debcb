import { createHash } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { duration, say, Trouble } from './console.mjs';
import { run } from './processes.mjs';
import { readIfThere, readPackage, root } from './project.mjs';

const modules = join(root, 'node_modules');
const stampFile = join(modules, '.sluice-stamp');

/** Installs the packages when there are none, or when package.json asks for others since. */
export async function ensureInstalled() {
  const manifest = readPackage();
  const wanted = stampOf(manifest);
  const present = readIfThere(stampFile)?.trim();
  if (present === wanted) return;
  if (present === undefined && installedByHand(manifest)) {
    writeFileSync(stampFile, wanted);
    return;
  }
  const why = existsSync(modules) ? 'package.json has changed' : 'first start';
  say(`installing packages with npm (${why}; takes a minute or so)`);
  const startedMs = performance.now();
  rmSync(stampFile, { force: true });
  // Only errors: some packages warn of Node versions that they do work with.
  const args = ['install', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const code = await (npm === undefined
    ? run('npm', args, { cwd: root })
    : run(process.execPath, [npm, ...args], { cwd: root }));
  if (code !== 0) throw new Trouble('npm could not install the packages; its message is above.');
  writeFileSync(stampFile, wanted);
  say(`packages installed in ${duration(performance.now() - startedMs)}`);
}

/** Native packages also depend on the platform and on Node's binary interface. */
function stampOf({ dependencies, devDependencies, overrides }) {
  const { platform, arch } = process;
  const facts = { dependencies, devDependencies, overrides, platform, arch };
  const text = JSON.stringify({ ...facts, abi: process.versions.modules });
  return createHash('sha256').update(text).digest('hex');
}

/** True after somebody's own `npm install`: npm writes the hidden lock file when it is through. */
function installedByHand({ dependencies, devDependencies }) {
  if (!existsSync(join(modules, '.package-lock.json'))) return false;
  return Object.entries({ ...dependencies, ...devDependencies }).every(([name, version]) => {
    const text = readIfThere(join(modules, name, 'package.json'));
    return text !== undefined && JSON.parse(text).version === version;
  });
}
