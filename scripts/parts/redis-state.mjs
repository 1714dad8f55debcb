import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './project.mjs';

/**
 * @typedef {{ kind: 'process', pid: number, port: number, stamp: string | undefined }} ServerNote
 * @typedef {{ kind: 'container', name: string }} ContainerNote
 * @typedef {ServerNote | ContainerNote} RedisNote
 */

/** @param {string} directory */
const file = (directory) => join(directory, 'redis.json');

/**
 * What every Redis that we start is told. The append-only file is the data (a power cut may lose
 * the last second), with no snapshots beside it. A log grows, so writing that file anew each time
 * that it has doubled halves the throughput and gains nothing: the gateway asks for it when it
 * pays. Packing what is packed already makes that, and reading the data at a start, several times
 * slower. Nothing may be evicted: the log must never lose entries to make room. Larger stream
 * nodes: large batches cost 1.02 times their bytes instead of 1.25 times.
 */
export const redisArguments = [
  ['--appendonly', 'yes'],
  ['--appendfsync', 'everysec'],
  ['--auto-aof-rewrite-percentage', '0'],
  ['--rdbcompression', 'no'],
  ['--save', ''],
  ['--maxmemory-policy', 'noeviction'],
  ['--stream-node-max-bytes', '1mb'],
].flat();

/**
 * What was noted when Redis was started: a process or a container; undefined when nothing was.
 * @param {string} directory
 * @returns {RedisNote | undefined}
 */
export function readRedisState(directory) {
  try {
    return JSON.parse(readIfThere(file(directory)) ?? '');
  } catch {
    return undefined;
  }
}

/**
 * Notes what was started, so that the next start finds it if this one is killed.
 * @param {string} directory
 * @param {RedisNote} state
 */
export function noteRedisState(directory, state) {
  // Renamed into place, so that nobody reads a half-written file.
  const next = `${file(directory)}.next`;
  writeFileSync(next, JSON.stringify(state));
  renameSync(next, file(directory));
}

/** @param {string} directory */
export function clearRedisState(directory) {
  rmSync(file(directory), { force: true });
}
