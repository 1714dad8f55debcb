import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { say, Trouble } from './console.mjs';
import { freePort } from './network.mjs';
import { installPackage } from './packages.mjs';
import { dockerAnswers, endContainer, fetchImage, startContainer } from './redis-docker.mjs';
import { endLeftServer, findServer, startServer } from './redis-local.mjs';
import { clearRedisState, readRedisState } from './redis-state.mjs';

/**
 * @typedef {object} OwnRedis
 * @property {string} url
 * @property {string} what in words
 * @property {Promise<void>} ready resolves when it answers
 * @property {() => Promise<void>} stop
 */

/**
 * A Redis of our own, with its data in `directory`: a server of this machine, else one in Docker,
 * else one that the system's package manager installs.
 * Once `signal` is aborted nothing is started any more.
 * @param {object} options
 * @param {string} options.directory
 * @param {number} options.wantedPort
 * @param {readonly number[]} options.kept ports that it must not take
 * @param {AbortSignal} options.signal
 * @returns {Promise<OwnRedis>}
 */
export async function openRedis({ directory, wantedPort, kept, signal }) {
  await endLeftRedis(directory);
  const port = await freePort(wantedPort, kept);
  const found = findServer();
  signal.throwIfAborted();
  if (found.program !== undefined) return startServer({ ...found, directory, port });
  const noDocker = dockerAnswers() ? await fetchImage() : 'no Docker engine answers';
  signal.throwIfAborted();
  if (noDocker === undefined) return startContainer({ directory, port });
  say(`${found.why}, and ${noDocker}`);
  const refusal = await installPackage('redis');
  const installed = refusal === undefined ? findServer() : found;
  signal.throwIfAborted();
  if (installed.program !== undefined) return startServer({ ...installed, directory, port });
  throw new Trouble(howToGetRedis(refusal ?? installed.why));
}

/**
 * Ends what a start that was killed has left running on these data; two servers would ruin them.
 * @param {string} directory
 */
async function endLeftRedis(directory) {
  const state = readRedisState(directory);
  if (state?.kind === 'container') endContainer(state.name);
  else if (state !== undefined || existsSync(join(directory, 'redis.pid'))) {
    await endLeftServer(directory, state);
  }
  clearRedisState(directory);
}

/** @param {string} why there is none */
function howToGetRedis(why) {
  return [
    `there is no Redis to use, and none could be installed: ${why}.`,
    'Do one of these and start again:',
    '  use a Redis that runs already   npm start -- --redis-url redis://host:6379',
    '  Debian 12, Ubuntu 24.04, newer  sudo apt-get install redis-server',
    '  Fedora                          sudo dnf install valkey',
    '  Alpine                          apk add valkey',
    '  macOS                           brew install redis',
    '  or start Docker                 https://docs.docker.com/get-started/',
    'Redis must be 7.0 or newer, Valkey 7.2 or newer.',
  ].join('\n');
}
