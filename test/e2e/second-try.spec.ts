import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '@sluice/test/tidy/source-files';

const passes = "test('passes', () => undefined);";
const fails = "test('fails', () => expect(1).toBe(2));";
const failsOnce = `const { existsSync, writeFileSync } = require('node:fs');
test('fails once', () => {
  const was = existsSync('was');
  writeFileSync('was', '');
  expect(was).toBe(true);
});`;
let project: string;

beforeEach(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-second-try-')));
  writeFileSync(join(project, 'package.json'), '{ "jest": { "transform": {} } }');
});

afterEach(() => rmSync(project, { recursive: true }));

/** What npm test makes of a project with these specs. */
async function testing(specs: Record<string, string>, secondTry = true): Promise<unknown> {
  for (const [name, spec] of Object.entries(specs)) {
    writeFileSync(join(project, `${name}.spec.js`), spec);
  }
  const options = JSON.stringify({ project, secondTry });
  const program = `import { jest } from './scripts/parts/jest.mjs';
    const result = await jest([], ${options});
    console.log(JSON.stringify(result));`;
  const args = ['--input-type=module', '--eval', program];
  const child = spawn(process.execPath, args, {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = (await text(child.stdout)).trimEnd().split('\n');
  return JSON.parse(lines.at(-1)!) as unknown;
}

test('a spec that fails among others and passes alone is named, and fails nothing', async () => {
  const result = await testing({ steady: passes, shaky: `${passes}\n${failsOnce}` });
  expect(result).toMatchObject({ passed: 3, failed: 0, unsteady: ['shaky.spec.js'] });
});

test('what fails again has failed, and so has a spec that cannot be loaded', async () => {
  const broken = "require('./nothing');";
  const result = await testing({ broken, wrong: `${passes}\n${fails}`, shaky: failsOnce });
  expect(result).toMatchObject({ passed: 2, failed: 2, unsteady: ['shaky.spec.js'] });
});

test('of many that fail none is run again, and none where nobody asks for it', async () => {
  const many = { a: fails, b: fails, c: fails, d: failsOnce };
  expect(await testing(many)).toMatchObject({ passed: 0, failed: 4, unsteady: [] });
  rmSync(join(project, 'was'));
  expect(await testing(many, false)).toMatchObject({ passed: 0, failed: 4, unsteady: [] });
});
