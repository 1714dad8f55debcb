import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseApiKeys } from '@sluice/admin';

const script = join(__dirname, '../../scripts/make-keys.mjs');
let directory: string;

beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'sluice-keys-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function makeKeys(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

const text = (name: string): string => readFileSync(join(directory, name), 'utf8');

describe('the keys of docker-compose.yml', () => {
  it('are made once, and are what --admin-keys-file takes', () => {
    expect(makeKeys(directory)).toEqual({ status: 0, output: '' });
    const first = text('admin-keys');
    expect(makeKeys(directory)).toEqual({ status: 0, output: '' });
    expect(text('admin-keys')).toBe(first);
    expect(parseApiKeys(first)).toEqual({
      keys: [
        expect.objectContaining({ name: 'compose-admin', role: 'admin' }),
        expect.objectContaining({ name: 'compose-prometheus', role: 'read' }),
      ],
    });
    expect(first).toContain(`:admin:${text('admin.key')}`);
    expect(first).toContain(`:read:${text('prometheus.key')}`);
  });

  it('are read by their owner alone, but for the one that Prometheus has', () => {
    makeKeys(directory);
    const mode = (name: string) => (statSync(join(directory, name)).mode & 0o777).toString(8);
    const modes = ['admin-keys', 'admin.key', 'prometheus.key'].map(mode);
    expect(modes).toEqual(['600', '600', '644']);
  });

  it('are others in another place', () => {
    makeKeys(directory);
    const first = text('admin.key');
    rmSync(join(directory, 'admin.key'));
    makeKeys(directory);
    expect(text('admin.key')).not.toBe(first);
  });

  it('go on where a start was cut off', () => {
    makeKeys(directory);
    const key = text('admin.key');
    rmSync(join(directory, 'prometheus.key'));
    rmSync(join(directory, 'admin-keys'));
    makeKeys(directory);
    expect(text('admin-keys')).toContain(`:admin:${key}`);
    expect(text('admin-keys')).toContain(`:read:${text('prometheus.key')}`);
  });

  it.each(['', '\n'])('are made anew where a file holds none: %j', (nothing) => {
    writeFileSync(join(directory, 'admin.key'), nothing);
    expect(makeKeys(directory)).toEqual({ status: 0, output: '' });
    expect(text('admin.key').trim()).not.toBe('');
    expect(text('admin-keys')).toContain(`:admin:${text('admin.key')}`);
  });

  it('need a directory', () => {
    expect(makeKeys()).toMatchObject({ status: 2 });
    expect(makeKeys(join(directory, 'missing')).status).not.toBe(0);
  });
});
