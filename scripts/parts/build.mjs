import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { duration, say, Trouble } from './console.mjs';
import { run } from './processes.mjs';
import { readIfThere, readPackage, root } from './project.mjs';

const allApps = ['gateway', 'worker', 'demo'];
const outDirectory = join(root, 'dist/apps');

/**
 * Builds the apps of which there is no build of exactly these sources.
 * @param {readonly string[]} [apps] all of them where it is left out
 * @param {Promise<void>} [types] see `build`
 */
export async function ensureBuilt(apps = allApps, types) {
  const missing = apps.filter((app) => !isBuilt(app));
  if (missing.length > 0) await build(missing, types);
}

/** Whether what lies in dist/ of an app is what we have built from these very sources. */
export function isBuilt(app = 'gateway') {
  const noted = readIfThere(stampFile(app));
  return noted !== undefined && noted === stamp(app, sourcesHash());
}

/**
 * Compiles apps with the libs that they use; the Lua scripts are copied beside the code.
 * @param {readonly string[]} [apps]
 * @param {Promise<void>} [types] a check of all types that somebody else has begun: the compiler
 *   leaves them alone, and what it made is a build once they are found right
 */
export async function build(apps = allApps, types) {
  const startedMs = performance.now();
  const sources = sourcesHash();
  say('building');
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  for (const app of apps) {
    const project = types === undefined ? [] : ['--path', relative(root, uncheckedProject(app))];
    const code = await run(process.execPath, [nest, 'build', app, ...project], { cwd: root });
    if (code !== 0) throw new Trouble(`the build of ${app} failed; the reasons are above.`);
  }
  await types;
  for (const app of apps) writeFileSync(stampFile(app), stamp(app, sources));
  say(`built in ${duration(performance.now() - startedMs)}`);
}

/**
 * Settings of an app's build that differ in one thing: no types are checked.
 * @param {string} app
 * @returns the file
 */
function uncheckedProject(app) {
  const file = join(root, 'dist', `tsconfig.${app}.json`);
  mkdirSync(dirname(file), { recursive: true });
  const settings = {
    extends: `../apps/${app}/tsconfig.app.json`,
    compilerOptions: { noCheck: true },
  };
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

/**
 * What was built from what. It lies among what was built, where each `nest build` deletes it, and
 * it covers the files that were made: a build by anybody else is not taken for ours.
 * @param {string} app
 */
function stampFile(app) {
  return join(outDirectory, app, '.sluice-build.json');
}

/**
 * @param {string} app
 * @param {string} sources
 */
function stamp(app, sources) {
  return JSON.stringify({ sources, built: builtHash(app) });
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

/**
 * One hash over the names, sizes and times of what was built.
 * @param {string} app
 */
function builtHash(app) {
  const hash = createHash('sha256');
  const directory = join(outDirectory, app);
  for (const file of existsSync(directory) ? filesBelow(directory) : []) {
    if (file === stampFile(app)) continue;
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(directory, file)} ${size} ${mtimeMs}\n`);
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
