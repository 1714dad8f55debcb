import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { duration, say, Trouble } from './console.mjs';
import { run } from './processes.mjs';
import { readIfThere, readPackage, root } from './project.mjs';

const apps = ['gateway'];
const stampFile = join(root, 'dist/.sources');

/** Builds when there is no build of exactly these sources. */
export async function ensureBuilt() {
  if (readIfThere(stampFile) === sourcesHash()) return;
  await build();
}

/** Compiles the apps with the libs that they use; the Lua scripts are copied beside the code. */
export async function build() {
  const startedMs = performance.now();
  const hash = sourcesHash();
  say('building');
  rmSync(stampFile, { force: true });
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  for (const app of apps) {
    const code = await run(process.execPath, [nest, 'build', app], { cwd: root });
    if (code !== 0) throw new Trouble(`the build of ${app} failed; the reasons are above.`);
  }
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stampFile, hash);
  say(`built in ${duration(performance.now() - startedMs)}`);
}

/** One hash over all that the build depends on: the sources, their settings and the packages. */
function sourcesHash() {
  const hash = createHash('sha256');
  const { dependencies, devDependencies } = readPackage();
  hash.update(JSON.stringify({ dependencies, devDependencies }));
  for (const file of ['nest-cli.json', 'tsconfig.json'])
    hash.update(readFileSync(join(root, file)));
  for (const directory of ['apps', 'libs']) {
    for (const file of sourcesBelow(join(root, directory))) {
      hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest('hex');
}

function* sourcesBelow(directory) {
  const entries = readdirSync(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* sourcesBelow(path);
    else if (/\.(ts|lua|json)$/.test(entry.name) && !entry.name.endsWith('.spec.ts')) yield path;
  }
}
