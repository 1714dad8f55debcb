import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { processExists } from './start-script';

const processes = pathToFileURL(join(__dirname, '../../scripts/parts/processes.mjs')).href;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-programs-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a program as the scripts do, ends it once it prints something, and tells of both. */
function runAndEnd(program: string): string {
  const file = join(directory, 'program.cjs');
  writeFileSync(file, program);
  const runner = join(directory, 'runner.mjs');
  writeFileSync(
    runner,
    `import { endPrograms, run } from ${JSON.stringify(processes)};
     import { existsSync } from 'node:fs';
     const ran = run(process.execPath, [${JSON.stringify(file)}], { cwd: import.meta.dirname });
     const there = () => existsSync(new URL('pid', import.meta.url));
     while (!there()) await new Promise((go) => setTimeout(go, 20));
     await endPrograms(300);
     console.log('ended');
     console.log('code', await ran);`,
  );
  return runner;
}

// npm, asked to stop in the middle of an installation, goes on for minutes.
test.each([
  ['one that ends when it is asked', ''],
  ['one that goes on', "process.on('SIGTERM', () => {});"],
])('a program that is ended has ended: %s', async (_name, handler) => {
  const runner = runAndEnd(
    `${handler}
     require('node:fs').writeFileSync('pid.next', String(process.pid));
     require('node:fs').renameSync('pid.next', 'pid');
     setTimeout(() => {}, 120_000);`,
  );
  const child = spawn(process.execPath, [runner], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let aliveAtTheEnd: boolean | undefined;
  child.stdout.on('data', (text) => {
    output += String(text);
    if (aliveAtTheEnd !== undefined || !output.includes('ended')) return;
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    aliveAtTheEnd = processExists(pid);
  });
  await once(child, 'close');
  expect(output).toContain('code 1');
  expect(aliveAtTheEnd).toBe(false);
});
