import { spawnSync } from 'node:child_process';

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot, trackedFiles } from '@sluice/test/tidy/source-files';

/** The project once more, with what `npm test` has built, to be worked on with Nest's own tools. */
let copy: string;
let tsconfig: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'sluice-nest-'));
  for (const path of trackedFiles().filter((path) => /^(apps|libs|scripts|[^/]+$)/.test(path))) {
    if (existsSync(join(projectRoot, path))) cpSync(join(projectRoot, path), join(copy, path));
  }
  // Node's own copy rounds the times.
  spawnSync('cp', ['-a', join(projectRoot, 'dist'), join(copy, 'dist')]);
  symlinkSync(join(projectRoot, 'node_modules'), join(copy, 'node_modules'));
  tsconfig = readFileSync(join(copy, 'tsconfig.json'), 'utf8');
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function node(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** `npx nest …`, without the checking of types, which takes long and is another step's. */
function nest(...args: string[]): string {
  const quick = tsconfig.replace('"strict": true,', '"strict": true,\n    "noCheck": true,');
  writeFileSync(join(copy, 'tsconfig.json'), quick);
  const output = node('node_modules/@nestjs/cli/bin/nest.js', ...args);
  // What a generator has changed stays.
  if (readFileSync(join(copy, 'tsconfig.json'), 'utf8') === quick) {
    writeFileSync(join(copy, 'tsconfig.json'), tsconfig);
  }
  return output;
}

function isBuilt(): boolean {
  const code = "import('./scripts/parts/build.mjs').then((b) => console.log(b.isBuilt()))";
  return node('-e', code).trim() === 'true';
}

function luaBelow(directory: string): string[] {
  return readdirSync(join(copy, directory), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.lua'))
    .sort();
}

const entry = 'dist/apps/gateway/apps/gateway/src/main.js';
const version = /^\d+\.\d+\.\d+$/m;

test('nest build: the Lua scripts lie beside the code, and npm start does not trust it', () => {
  expect(isBuilt()).toBe(true);
  nest('build');
  expect(isBuilt()).toBe(false);
  const scripts = luaBelow('libs');
  expect(scripts.length).toBeGreaterThan(10);
  expect(luaBelow('dist/apps/gateway/libs')).toEqual(scripts);
  expect(node(entry, '--version')).toMatch(version);
});

test('nest start gateway: builds and runs it', () => {
  expect(nest('start', 'gateway', '--', '--version')).toMatch(version);
});

test('nest generate service: goes into the library that is named', () => {
  nest('generate', 'service', 'sweeping', '--project', 'log');
  expect(existsSync(join(copy, 'libs/log/src/sweeping/sweeping.service.ts'))).toBe(true);
});

test('nest generate library: is one more, with the name that all have', () => {
  nest('generate', 'library', 'payments');
  expect(existsSync(join(copy, 'libs/payments/src/index.ts'))).toBe(true);
  expect(readFileSync(join(copy, 'tsconfig.json'), 'utf8')).toContain('"@sluice/payments"');
});
