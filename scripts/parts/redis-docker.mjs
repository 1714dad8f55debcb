import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { say, Trouble } from './console.mjs';
import { askRedis } from './network.mjs';
import { findProgram, outputOf, run } from './processes.mjs';
import { clearRedisState, noteRedisState, redisArguments } from './redis-state.mjs';

const image = 'redis:8.2.2-alpine';
const answerMsMax = 60_000;
const stopSeconds = 60;
/** @type {import('node:child_process').StdioOptions} */
const quiet = ['ignore', 'ignore', 'inherit'];

/** True when there is a Docker engine that answers. */
export function dockerAnswers() {
  const args = ['version', '--format', '{{.Server.Version}}'];
  return findProgram('docker') !== undefined && outputOf('docker', args) !== undefined;
}

/**
 * Downloads the image unless it is there.
 * @returns {Promise<string | undefined>} undefined when it is there, else in words why not;
 *   Docker's own words are shown
 */
export async function fetchImage() {
  const args = ['image', 'inspect', '--format', '{{.Id}}', image];
  if (outputOf('docker', args) !== undefined) return undefined;
  say(`downloading ${image} with Docker`);
  const code = await run('docker', ['pull', '--quiet', image], { stdio: quiet });
  return code === 0 ? undefined : `Docker could not download ${image}`;
}

/**
 * Starts Redis in a container with its data in `directory`; the port is open to this machine only.
 * @param {{ directory: string, port: number }} place
 * @returns {import('./redis.mjs').OwnRedis}
 */
export function startContainer({ directory, port }) {
  const name = `sluice-redis-${createHash('sha256').update(directory).digest('hex').slice(0, 8)}`;
  endContainer(name);
  say(`starting Redis in Docker (${image})`);
  noteRedisState(directory, { kind: 'container', name });
  const stop = async () => {
    endContainer(name);
    clearRedisState(directory);
  };
  const ready = runContainer({ name, directory, port });
  return {
    url: `redis://127.0.0.1:${port}`,
    what: `${image} in Docker, port ${port}`,
    ready,
    stop,
  };
}

/** @param {{ name: string, directory: string, port: number }} container */
async function runContainer({ name, directory, port }) {
  const place = ['-p', `127.0.0.1:${port}:6379`, '-v', `${directory}:/data`, '-w', '/data'];
  const user = process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.()}`] : [];
  const options = ['--detach', '--name', name, '--restart', 'on-failure:5', ...place, ...user];
  const command = ['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no'];
  const args = ['run', ...options, image, ...command, ...redisArguments];
  const code = await run('docker', args, { stdio: quiet });
  if (code !== 0) throw new Trouble('Docker could not start Redis; its message is above.');
  await answering(name, port);
}

/**
 * Stops and removes a container; Redis writes out its data first. Harmless when there is none.
 * @param {string} name
 */
export function endContainer(name) {
  if (!outputOf('docker', ['ps', '--all', '--quiet', '--filter', `name=^/${name}$`])) return;
  outputOf('docker', ['stop', '--time', String(stopSeconds), name], (stopSeconds + 10) * 1_000);
  outputOf('docker', ['rm', '--force', name], 30_000);
}

/**
 * @param {string} name
 * @param {number} port
 */
async function answering(name, port) {
  for (const until = performance.now() + answerMsMax; performance.now() < until;) {
    const reply = await askRedis(port, 'PING');
    if (reply?.startsWith('+PONG')) return;
    await sleep(50);
  }
  throw new Trouble(`Redis in Docker does not answer; see: docker logs ${name}`);
}
