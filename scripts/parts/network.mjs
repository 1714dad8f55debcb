import { connect, createServer } from 'node:net';
import { codeOf } from './processes.mjs';

/**
 * Tries to listen, and lets go at once.
 * @param {number} port
 * @param {string} host
 * @returns {Promise<string | undefined>} undefined when it works, else the error's code, as
 *   EADDRINUSE
 */
export function whyNotListen(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(codeOf(error)));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/**
 * A port of 127.0.0.1 that nobody listens on, other than `kept`: the wanted one if it is free.
 * @param {number} wanted
 * @param {readonly number[]} kept
 * @returns {Promise<number>}
 */
export async function freePort(wanted, kept) {
  if (!kept.includes(wanted) && (await whyNotListen(wanted, '127.0.0.1')) === undefined)
    return wanted;
  const free = await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
  return kept.includes(free) ? freePort(wanted, kept) : free;
}

/**
 * Sends one inline command to the Redis on a port of this machine.
 * @param {number} port
 * @param {string} command
 * @returns {Promise<string | undefined>} the first piece of its reply, or undefined when nothing
 *   answers in time
 */
export function askRedis(port, command, timeoutMs = 2_000) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (/** @type {string | undefined} */ reply) => {
      socket.destroy();
      resolve(reply);
    };
    socket.setTimeout(timeoutMs, () => settle(undefined));
    socket.once('error', () => settle(undefined));
    socket.once('close', () => settle(undefined));
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.once('data', (reply) => settle(reply.toString('utf8')));
  });
}
