import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disk } from './disk';

describe('the disk after a power cut', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-disk-'));
  const data = join(folder, 'data');
  let disk: Disk;

  /** Runs shell commands on the disk. `sync FILE` is an fsync of a file or a directory. */
  function run(...commands: string[]): void {
    const env = { ...process.env, ...disk.env };
    execFileSync('sh', ['-ec', commands.join('\n')], { cwd: data, env });
  }

  /** What is there, by name. */
  function contents(): Record<string, string> {
    const names = readdirSync(data).sort();
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(data, name), 'utf8')]));
  }

  beforeAll(() => {
    mkdirSync(data);
    disk = new Disk(data, folder);
  });

  beforeEach(() => {
    rmSync(data, { recursive: true });
    mkdirSync(data);
    disk.begin();
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has files as long as they were at their last fsync', () => {
    run('printf one > log', 'sync log', 'printf two >> log', 'sync -d log', 'printf three >> log');
    run('sync .');
    disk.cut();
    expect(contents()).toEqual({ log: 'onetwo' });
  });

  it('has an empty file where only the name was synced', () => {
    run('printf one > log', 'sync .');
    disk.cut();
    expect(contents()).toEqual({ log: '' });
  });

  it('has no file whose name was never synced', () => {
    run('printf one > log', 'sync log');
    disk.cut();
    expect(contents()).toEqual({});
  });

  it('has deleted, renamed and replaced files as they were, until the directory is synced', () => {
    run('printf a > deleted', 'printf b > old-name', 'printf c > replaced', 'sync * .');
    run('rm deleted', 'mv old-name new-name', 'printf d > temp', 'sync temp', 'mv temp replaced');
    disk.cut();
    expect(contents()).toEqual({ deleted: 'a', 'old-name': 'b', replaced: 'c' });
  });

  it('has them as they became once the directory is synced', () => {
    run('printf a > deleted', 'printf b > old-name', 'printf c > replaced', 'sync * .');
    run('rm deleted', 'mv old-name new-name', 'printf d > temp', 'sync temp', 'mv temp replaced');
    run('sync .');
    disk.cut();
    expect(contents()).toEqual({ 'new-name': 'b', replaced: 'd' });
  });

  it('keeps what was there at the start', () => {
    run('printf one > log');
    disk.begin();
    run('printf two >> log');
    expect(disk.isSynced()).toBe(false);
    disk.cut();
    expect(contents()).toEqual({ log: 'one' });
  });

  it('knows when all is synced', () => {
    run('printf one > log');
    expect(disk.isSynced()).toBe(false);
    run('sync log');
    expect(disk.isSynced()).toBe(true);
  });

  it('lets no fsync return while it stalls', () => {
    disk.stall();
    const late = 'sync log & syncing=$!; sleep 0.1; kill -0 $syncing; rm ../power-cut/stalled';
    run('printf one > log', late, 'wait $syncing', 'sync .');
    disk.cut();
    expect(contents()).toEqual({ log: 'one' });
  });
});
