import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './project.mjs';

const file = (directory) => join(directory, 'redis.json');

/**
 * What every Redis that we start is told. The append-only file is the data (a power cut may lose the last
 * second), with no snapshots beside it. Nothing may be evicted: the log must never lose entries to make
 * room. Larger stream nodes: large batches cost 1.02 times their bytes instead of 1.25 times.
 */
export const redisArguments = [
  ['--appendonly', 'yes'],
  ['--appendfsync', 'everysec'],
  ['--save', ''],
  ['--maxmemory-policy', 'noeviction'],
  ['--stream-node-max-bytes', '1mb'],
].flat();

/** What was noted when Redis was started: a process or a container; undefined when nothing was. */
export function readRedisState(directory) {
  try {
    return JSON.parse(readIfThere(file(directory)) ?? '');
  } catch {
    return undefined;
  }
}

/** Notes what was started, so that the next start finds it if this one is killed. */
export function noteRedisState(directory, state) {
  // Renamed into place, so that nobody reads a half-written file.
  const next = `${file(directory)}.next`;
  writeFileSync(next, JSON.stringify(state));
  renameSync(next, file(directory));
}

export function clearRedisState(directory) {
  rmSync(file(directory), { force: true });
}
