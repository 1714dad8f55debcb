import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@sluice/test/support/redis-local';
import { printedBy, takeTour } from './readme-tour';
import { startMsMax, StartScript } from './start-script';

let directory: string;
let script: StartScript;
let place: { kafkaPort: number; adminPort: number };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-tour-'));
  place = { kafkaPort: await freePort(), adminPort: await freePort() };
  const { kafkaPort, adminPort } = place;
  const ports = [`--port=${kafkaPort}`, `--admin-port=${adminPort}`];
  script = new StartScript(directory, [...ports, `--redis-port=${await freePort()}`]);
  await script.ready();
}, startMsMax);

afterAll(async () => {
  await script.end('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

test("the README's tour works as it is written, after npm start", async () => {
  const steps = await takeTour(place);
  const browsed = printedBy(steps, '%p/%o').split('\n');
  expect(browsed.map((line) => line.replace(/^.*? {2}/, '')).sort()).toEqual([
    'alice = 12',
    'bob = 7',
    'carol = 30',
    'dave = 5',
  ]);
  expect(printedBy(steps, 'keyEquals=bob')).toContain('"value":{"text":"7"');
  expect(printedBy(steps, '/tail')).toMatch(/^event: record$/m);
  expect(printedBy(steps, '/v1/groups/billing')).toMatch(/"lag":0\b/);
  expect(printedBy(steps, '"dryRun"')).toContain('"before"');
  expect(printedBy(steps, 'kcat -b localhost:9092 -G').split('\n').sort()).toEqual([
    '12',
    '30',
    '5',
    '7',
  ]);
  expect(printedBy(steps, '/metrics')).toMatch(/^sluice_produced_records_total\{.*orders.*\} 4$/m);
});
