import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { projectRoot } from '@sluice/test/tidy/source-files';
import { processLimits } from './limits';
import { LineSink } from './line-sink';

const again = Object.assign(new Error('full'), { code: 'EAGAIN' });

/** A pipe that takes so many bytes. */
function heldPipe() {
  const clock = new FakeClock();
  const pipe = { room: Infinity, text: '', isGone: false };
  const sink = new LineSink({
    clock,
    write: (bytes) => {
      if (pipe.isGone) throw Object.assign(new Error('gone'), { code: 'EPIPE' });
      const taken = Math.min(pipe.room, bytes.length);
      if (taken === 0) throw again;
      pipe.room -= taken;
      pipe.text += bytes.toString('utf8', 0, taken);
      return taken;
    },
  });
  return { clock, pipe, sink };
}

test('a line is written at once', () => {
  const { pipe, sink } = heldPipe();
  sink.line('grüße\n');
  expect(pipe.text).toBe('grüße\n');
});

test('what a full pipe does not take is written later, in order and whole', () => {
  const { clock, pipe, sink } = heldPipe();
  pipe.room = 3;
  for (const line of ['one\n', 'two\n', 'three\n']) sink.line(line);
  expect(pipe.text).toBe('one');
  clock.advance(processLimits.logRetryMs);
  pipe.room = 3;
  clock.advance(processLimits.logRetryMs);
  expect(pipe.text).toBe('one\ntw');
  pipe.room = Infinity;
  clock.advance(processLimits.logRetryMs);
  expect(pipe.text).toBe('one\ntwo\nthree\n');
});

test('lines beyond the limit are dropped, and that is told once there is room', () => {
  const { clock, pipe, sink } = heldPipe();
  pipe.room = 0;
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 1024 + 7; i++) sink.line(line);
  pipe.room = Infinity;
  clock.advance(processLimits.logRetryMs);
  expect(pipe.text).toBe(`${line.repeat(1024)}7 lines of the log were dropped: nobody read them\n`);
});

test('once the reader is gone, nothing is kept and nothing is thrown', () => {
  const { clock, pipe, sink } = heldPipe();
  pipe.isGone = true;
  sink.line('a\n');
  sink.line('b\n');
  pipe.isGone = false;
  clock.advance(1_000);
  sink.flush();
  expect(pipe.text).toBe('');
});

/** Ends in its way after 1 MB of lines, more than a pipe holds, in one turn of the event loop. */
const program = (end: string) => `
  const { createLogger } = require('./libs/process/src/log.ts');
  const log = createLogger({ logLevel: 'info', logFormat: 'json' });
  for (let i = 0; i < 4000; i++) log.info('x'.repeat(150), { i });
  ${end}
`;

test.each([
  ['by exit', 'process.exit(3)', 3],
  ['by a fault', `throw new Error('a fault')`, 1],
  ['by a promise that nobody waits for', `Promise.reject(new Error('a fault'))`, 1],
  ['by itself', '', 0],
])('a program that ends %s has written all its lines', async (_, end, expected) => {
  const loader = join(projectRoot, 'test/support/typescript-loader.cjs');
  const args = ['--require', loader, '--eval', program(end)];
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lines-'));
  const file = join(folder, 'lines');
  // It reads once the pipe is full. This process may be too busy to do so in time.
  const reader = spawn('sh', ['-c', 'read -r first; printf "%s\\n" "$first"; sleep 0.1; cat'], {
    stdio: ['pipe', openSync(file, 'w'), 'inherit'],
  });
  const child = spawn(process.execPath, args, {
    cwd: projectRoot,
    stdio: ['ignore', reader.stdin!, 'pipe'],
  });
  reader.stdin!.destroy();
  const errors: Buffer[] = [];
  child.stderr!.on('data', (chunk: Buffer) => errors.push(chunk));
  const read = once(reader, 'close');
  const [code] = (await once(child, 'close')) as [number];
  await read;
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  rmSync(folder, { recursive: true });
  expect({ code, lines: lines.length, errors: Buffer.concat(errors).toString() }).toMatchObject({
    code: expected,
    lines: 4000,
  });
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ level: 'info', i: 3999 });
});
