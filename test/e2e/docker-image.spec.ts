import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const part = pathToFileURL(join(__dirname, '../../scripts/parts/redis-docker.mjs')).href;
const code = `const { fetchImage } = await import('${part}');
console.log('why not: ' + await fetchImage());`;

let directory: string;

beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'sluice-docker-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What the start script says of the image, with a `docker` that does what the lines say. */
function fetchWith(lines: string): string {
  const docker = join(directory, 'docker');
  writeFileSync(docker, `#!/bin/sh\n${lines}\n`);
  chmodSync(docker, 0o755);
  const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` };
  const args = ['--input-type=module', '-e', code];
  return spawnSync(process.execPath, args, { env, encoding: 'utf8' }).stdout;
}

// The start script then goes on to the package manager.
test('an image that cannot be had is as good as no Docker', () => {
  expect(fetchWith('exit 1')).toMatch(
    /^sluice: downloading redis:\S+ with Docker\nwhy not: Docker/,
  );
});

test('an image is downloaded only when it is not there', () => {
  expect(fetchWith('[ "$1" = image ] && echo sha256:1')).toBe('why not: undefined\n');
  expect(fetchWith('[ "$1" = pull ]')).toMatch(/^sluice: downloading .*\nwhy not: undefined\n$/);
});
