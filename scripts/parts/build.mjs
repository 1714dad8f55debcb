import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { duration, say, Trouble } from './console.mjs';
import { run } from './processes.mjs';
import { readIfThere, readPackage, root } from './project.mjs';

const apps = ['gateway'];
const outDirectory = join(root, 'dist/apps');
/**
 * What was built from what. It lies among what was built, where each `nest build` deletes it, and
 * it covers the files that were made: a build by anybody else is not taken for ours.
 */
const stampFile = join(outDirectory, 'gateway/.sluice-build.json');

/** Builds when there is no build of exactly these sources. */
export async function ensureBuilt() {
  if (!isBuilt()) await build();
}

/** Whether what lies in dist/ is what we have built from these very sources. */
export function isBuilt() {
  const noted = readIfThere(stampFile);
  return noted !== undefined && noted === stamp(sourcesHash());
}

/** Compiles the apps with the libs that they use; the Lua scripts are copied beside the code. */
export async function build() {
  const startedMs = performance.now();
  const sources = sourcesHash();
  say('building');
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  for (const app of apps) {
    const code = await run(process.execPath, [nest, 'build', app], { cwd: root });
    if (code !== 0) throw new Trouble(`the build of ${app} failed; the reasons are above.`);
  }
  writeFileSync(stampFile, stamp(sources));
  say(`built in ${duration(performance.now() - startedMs)}`);
}

/** @param {string} sources */
function stamp(sources) {
  return JSON.stringify({ sources, built: builtHash() });
}

/** One hash over all that the build depends on: the sources, their settings and the packages. */
function sourcesHash() {
  const hash = createHash('sha256');
  const { dependencies, devDependencies } = readPackage();
  hash.update(JSON.stringify({ dependencies, devDependencies }));
  for (const file of ['nest-cli.json', 'tsconfig.json']) {
    hash.update(readFileSync(join(root, file)));
  }
  for (const directory of ['apps', 'libs']) {
    for (const file of filesBelow(join(root, directory))) {
      if (!/\.(ts|lua|json)$/.test(file) || file.endsWith('.spec.ts')) continue;
      hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest('hex');
}

/** One hash over the names, sizes and times of what was built. */
function builtHash() {
  const hash = createHash('sha256');
  for (const file of filesBelow(outDirectory)) {
    if (file === stampFile) continue;
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(outDirectory, file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/**
 * All files below a directory, in the order of their names.
 * @param {string} directory
 * @returns {Generator<string>}
 */
function* filesBelow(directory) {
  const entries = readdirSync(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}
