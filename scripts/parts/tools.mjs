import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { say, Trouble } from './console.mjs';
import { installPackage } from './packages.mjs';
import { findProgram, outputOf, refusalOf } from './processes.mjs';
import { root } from './project.mjs';
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

const registryMsMax = 20_000;

/** @returns undefined when npm can install packages, else in words why it cannot */
export function whyNoRegistry() {
  const seen = outputOf('npm', ['view', 'rxjs', 'version'], registryMsMax);
  return seen === undefined ? 'no npm registry answers' : undefined;
}

const pullMsMax = 5 * 60_000;

/** @returns undefined when docker-compose.yml can be run here, else in words why it cannot */
export function whyNoCompose() {
  if (!dockerAnswers()) return 'no Docker engine answers';
  const isThere =
    outputOf('docker', ['compose', 'version']) !== undefined ||
    outputOf('docker-compose', ['version']) !== undefined;
  return isThere ? whyNoImages(/^(?:node|redis):/) : 'there is no docker compose';
}

/** @returns undefined when its profile observe can be run here too, else why it cannot */
export function whyNoObserve() {
  return whyNoCompose() ?? whyNoImages(/^prom\//);
}

/**
 * Images that the project's own files name: they are there, or can be downloaded.
 * @param {RegExp} wanted
 */
function whyNoImages(wanted) {
  const text = ['Dockerfile', 'docker-compose.yml'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  const named = [...text.join('\n').matchAll(/^(?:FROM| *image:) (\S+)/gm)].map(([, name]) => name);
  for (const image of new Set(named)) {
    if (image === undefined || !wanted.test(image)) continue;
    if (outputOf('docker', ['image', 'inspect', '--format', '{{.Id}}', image])) continue;
    say(`downloading ${image} with Docker`);
    const pulled = outputOf('docker', ['pull', '--quiet', image], pullMsMax);
    if (pulled === undefined) return `Docker could not download ${image}`;
  }
  return undefined;
}

/**
 * Finds out by making two network namespaces with a link, and a rule that drops packets.
 * @returns undefined when a test can put processes into networks of their own, else why it cannot
 */
export function whyNoNamespaces() {
  if (process.platform !== 'linux') return 'they are of Linux only';
  if (process.getuid?.() !== 0) return 'only root may make them; try it with sudo';
  if (findProgram('ip') === undefined) {
    return 'there is no ip; it is in the package iproute2 (Fedora: iproute)';
  }
  const names = ['a', 'b'].map((name) => `sluice-trial-${process.pid}-${name}`);
  const [a = '', b = ''] = names;
  const trial = [
    ...names.map((name) => ['netns', 'add', name]),
    ['-n', a, 'link', 'add', 'end', 'type', 'veth', 'peer', 'name', 'end', 'netns', b],
    ['-n', a, 'rule', 'add', 'from', '198.18.0.1', 'to', '198.18.0.2', 'blackhole'],
    ['netns', 'exec', a, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'],
  ];
  try {
    for (const args of trial) {
      const refusal = refusalOf('ip', args);
      if (refusal !== undefined) return `"ip ${args.join(' ')}" is refused: ${refusal}`;
    }
    return undefined;
  } finally {
    for (const name of names) outputOf('ip', ['netns', 'delete', name]);
  }
}
