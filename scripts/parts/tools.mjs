import { say, Trouble } from './console.mjs';
import { installPackage } from './packages.mjs';
import { findProgram } from './processes.mjs';
import { dockerAnswers } from './redis-docker.mjs';
import { findServer } from './redis-local.mjs';

/** The tests start Redis servers, on this machine or in Docker. */
export async function ensureTestRedis() {
  const found = findServer();
  if (found.program !== undefined || dockerAnswers()) return;
  say(`${found.why}, and no Docker engine answers`);
  const refusal = await installPackage('redis');
  if (refusal !== undefined) throw new Trouble(`the tests need a redis-server: ${refusal}`);
}

/** @returns undefined when kcat is there, else in words why it is not */
export async function ensureKcat() {
  return findProgram('kcat') === undefined ? installPackage('kcat') : undefined;
}

/** @returns undefined when tests can reach a server's data, else in words why they cannot */
export function whyNoLosses() {
  return findServer().program === undefined ? 'the only Redis is in Docker' : undefined;
}

/** @returns undefined when a power cut can be simulated, else in words why it cannot */
export async function ensurePowerCut() {
  if (process.platform !== 'linux') return 'they run on Linux only';
  return whyNoLosses() ?? (findProgram('cc') === undefined ? installPackage('cc') : undefined);
}

/** @returns undefined when certificates can be made for the tests, else in words why they cannot */
export function whyNoTls() {
  return findProgram('openssl') === undefined ? 'there is no openssl' : undefined;
}
