import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { duration, say, Trouble } from './console.mjs';
import { run } from './processes.mjs';
import { readIfThere, root } from './project.mjs';

const modules = join(root, 'node_modules');
/** For which machine the packages were installed, and from which lock. */
const stampFile = join(modules, '.sluice-install');

/** What native packages depend on: the platform, and Node's binary interface. */
const machine = `${process.platform} ${process.arch} ${process.versions.modules}`;

/**
 * @typedef {{ version: string, optional?: boolean }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} LockFile
 */

/** Installs exactly the packages of package-lock.json, unless they are there. */
export async function ensureInstalled() {
  const wanted = `${machine} ${lockHash()}`;
  const present = readIfThere(stampFile);
  if (present === wanted) return;
  const ofThisMachine = present?.startsWith(`${machine} `) ?? true;
  if (ofThisMachine && isInstalled()) {
    writeFileSync(stampFile, wanted);
    return;
  }
  const why = existsSync(modules)
    ? 'what is there is not what package-lock.json says'
    : 'first start';
  say(`installing packages with npm (${why}; takes a minute or so)`);
  const startedMs = performance.now();
  rmSync(stampFile, { force: true });
  // Only errors: some packages warn of Node versions that they do work with.
  const args = ['ci', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const code = await (npm === undefined
    ? run('npm', args, { cwd: root })
    : run(process.execPath, [npm, ...args], { cwd: root }));
  if (code !== 0) throw new Trouble('npm could not install the packages; its message is above.');
  writeFileSync(stampFile, wanted);
  say(`packages installed in ${duration(performance.now() - startedMs)}`);
}

function lockHash() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).digest('hex');
}

/**
 * True after somebody's own `npm ci` or `npm install`: npm notes in a hidden file what it has
 * installed. Native code of other machines is left out.
 */
function isInstalled() {
  const installed = readLock(join(modules, '.package-lock.json'));
  const wanted = readLock(join(root, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted.packages).every(([path, { version, optional = false }]) => {
    if (path === '') return true;
    const present = installed.packages[path];
    return present === undefined ? optional : present.version === version;
  });
}

/**
 * @param {string} file
 * @returns {LockFile | undefined}
 */
function readLock(file) {
  const text = readIfThere(file);
  return text === undefined ? undefined : JSON.parse(text);
}
