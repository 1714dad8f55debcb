import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { banner } from './banner.mjs';
import { Brokers, portsOf } from './brokers.mjs';
import { ensureBuilt } from './build.mjs';
import { complain, duration, say, Trouble } from './console.mjs';
import { ensureInstalled } from './install.mjs';
import { Lock } from './lock.mjs';
import { whyNotListen } from './network.mjs';
import { codeOf, endProcess, endPrograms } from './processes.mjs';
import { root } from './project.mjs';
import { openRedis } from './redis.mjs';

/**
 * @typedef {import('./gateway.mjs').Gateway} Gateway
 * @typedef {import('./gateway.mjs').Loaded} Loaded
 * @typedef {import('./gateway.mjs').GatewaySettings} GatewaySettings
 * @typedef {object} Run what has begun, and has to be stopped
 * @property {Lock} [lock]
 * @property {import('./lock.mjs').Holder} [left] what a start that was killed has left
 * @property {import('./redis.mjs').OwnRedis} [redis]
 * @property {Brokers} [brokers]
 * @property {Promise<void>} [programs] resolves when npm or the compiler has ended after a signal
 */

/**
 * Ctrl-C may arrive twice at once, from the terminal and from npm; a person's second one comes
 * later.
 */
const secondSignalMs = 1_000;
const leftGatewayGraceMs = 15_000;
/** So many ports are tried to find some to advise. */
const portsTriedMax = 100;

/**
 * Installs, builds, finds a Redis, runs the gateways; at the end stops all in the opposite order.
 * @param {readonly string[]} argv
 */
export async function start(argv) {
  /** @type {Run} */
  const run = {};
  const stop = stopSignals(run);
  try {
    await Promise.race([work(argv, run, stop.signal), stop.asked]);
  } catch (error) {
    complain(error);
    process.exitCode = 1;
  }
  await stopAll(run);
  if (stop.signal.aborted) say('stopped');
  // What was cut short by a signal must not keep the process.
  process.exit();
}

/**
 * @param {readonly string[]} argv
 * @param {Run} run is filled
 * @param {AbortSignal} signal
 */
async function work(argv, run, signal) {
  const directory = dataDirectory(argv);
  const asks = ['--help', '-h', '--version', '-v'].some((flag) => argv.includes(flag));
  if (!asks) await takeLock(run, directory);
  await ensureInstalled();
  await ensureBuilt(['gateway']);
  const brokers = new Brokers(argv);
  run.brokers = brokers;
  const settings = readSettings(await Promise.race([brokers.settings, brokers.failed]));
  if (settings === undefined) return;
  await endLeftGateways(run.left);
  await checkPorts(settings);
  const redis = await connectRedis({ run, settings, directory, signal });
  const onChange = (/** @type {readonly Gateway[]} */ gateways) => {
    run.lock?.tell({ gateways: gateways.map(({ identity }) => identity) });
  };
  const places = await brokers.run({ settings, redis, onChange });
  run.lock?.tell({ kafkaPort: places[0]?.port });
  say(`ready in ${duration(process.uptime() * 1_000)}`);
  console.log(banner({ settings, places, redis, directory }));
  await brokers.failed;
}

/**
 * The settings cannot be read before they are built, but the lock must be held before building.
 * @param {readonly string[]} argv
 */
function dataDirectory(argv) {
  const at = argv.findLastIndex((argument) => /^--data-dir(=|$)/.test(argument));
  const flag = argv[at] === '--data-dir' ? argv[at + 1] : argv[at]?.slice('--data-dir='.length);
  return resolve(root, flag || process.env.SLUICE_DATA_DIR || 'data');
}

/**
 * @param {Run} run is filled
 * @param {string} directory
 */
async function takeLock(run, directory) {
  try {
    makeDirectory(directory);
    Object.assign(run, await Lock.take(directory));
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new Trouble(`cannot use the data directory: ${String(error)}\nSee --data-dir.`);
  }
}

/**
 * Makes a directory and those above it, one after the other: Node's own way tries for ever below
 * /proc, where each attempt says that the directory above is missing.
 * @param {string} directory
 */
function makeDirectory(directory) {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory));
  mkdirSync(directory);
}

/**
 * @param {Loaded} loaded
 * @returns {GatewaySettings | undefined} undefined also when only help or the version was asked
 *   for, which is printed
 */
function readSettings(loaded) {
  if ('errors' in loaded) throw new Trouble(loaded.errors.join('\nsluice: '));
  if ('settings' in loaded) return loaded.settings;
  console.log('help' in loaded ? loaded.help : loaded.version);
  return undefined;
}

/**
 * A start that was killed leaves gateways that are on their way out; they may still hold the ports.
 * @param {Run['left']} left
 */
async function endLeftGateways(left) {
  const ends = (left?.gateways ?? []).map((gateway) => {
    return endProcess(gateway, { graceMs: leftGatewayGraceMs, force: true });
  });
  await Promise.all(ends);
}

/** @param {GatewaySettings} settings */
async function checkPorts(settings) {
  const { ports, adminPorts } = portsOf(settings);
  checkRows(settings, ports, adminPorts);
  for (const port of ports) await checkPort(settings, port, '');
  for (const port of adminPorts) await checkPort(settings, port, 'admin-');
}

/**
 * @param {GatewaySettings} settings
 * @param {readonly number[]} ports
 * @param {readonly number[]} adminPorts
 */
function checkRows({ brokers, advertisedPort }, ports, adminPorts) {
  const last = Math.max(...ports, ...adminPorts, advertisedPort + brokers - 1);
  if (last > 65_535) {
    throw new Trouble(
      `${brokers} ports in a row would end at ${last}; the last there is is 65535.`,
    );
  }
  const twice = ports.find((port) => port !== 0 && adminPorts.includes(port));
  if (twice === undefined) return;
  throw new Trouble(
    `port ${twice} would be both for Kafka (${rowText(ports)}) and for the admin endpoints ` +
      `(${rowText(adminPorts)}).\nMove one of them: see --port and --admin-port.`,
  );
}

/** @param {readonly number[]} ports */
function rowText(ports) {
  return ports.length === 1 ? String(ports[0]) : `${ports[0]} to ${ports.at(-1)}`;
}

/**
 * @param {GatewaySettings} settings
 * @param {number} port
 * @param {'' | 'admin-'} kind what the names of its flags begin with
 */
async function checkPort(settings, port, kind) {
  const host = kind === '' ? settings.host : settings.adminHost;
  let why = await whyNotListen(port, host);
  if (why !== undefined && why !== 'EADDRINUSE' && host === '::') {
    why = await whyNotListen(port, '0.0.0.0');
  }
  if (why === undefined) return;
  const { brokers } = settings;
  const usual = kind === '' ? 9_092 : 8_080;
  const wanted = port < 1_024 || port + brokers > 65_535 ? usual : port + 1;
  const other = await firstOfFreeRow(wanted, brokers, host);
  throw new Trouble(cannotListen({ why, host, port, kind, other, brokers }));
}

/**
 * Where the next row of ports begins that are all free; where none is found soon, the wanted one.
 * @param {number} wanted
 * @param {number} length of the row
 * @param {string} host
 */
async function firstOfFreeRow(wanted, length, host) {
  const end = Math.min(wanted + portsTriedMax, 65_535);
  let first = wanted;
  for (let port = wanted; port <= end; port++) {
    if ((await whyNotListen(port, host)) !== undefined) first = port + 1;
    else if (port === first + length - 1) return first;
  }
  return wanted;
}

/**
 * @param {object} facts
 * @param {string} facts.why
 * @param {string} facts.host
 * @param {number} facts.port
 * @param {'' | 'admin-'} facts.kind
 * @param {number} facts.other a port to take in its place
 * @param {number} facts.brokers
 */
function cannotListen({ why, host, port, kind, other, brokers }) {
  const row = brokers === 1 ? '' : ` --brokers ${brokers}`;
  const choosePort = `Choose another port: npm start -- --${kind}port ${other}${row}`;
  const hostless = `this machine has no address ${host} to listen on (${why}).\nSee --${kind}host.`;
  /** @type {Record<string, string>} */
  const reasons = {
    EADDRINUSE: `port ${port} is in use by another program.\n${choosePort}`,
    EACCES: `port ${port} may not be used without more rights.\n${choosePort}`,
    EADDRNOTAVAIL: hostless,
    ENOTFOUND: hostless,
    EAI_AGAIN: hostless,
  };
  return reasons[why] ?? `cannot listen on ${host} port ${port} (${why}).`;
}

/**
 * The Redis that was given, or one of our own.
 * @param {object} options
 * @param {Run} options.run is filled
 * @param {GatewaySettings} options.settings
 * @param {string} options.directory
 * @param {AbortSignal} options.signal
 */
async function connectRedis({ run, settings, directory, signal }) {
  if (settings.redisUrl !== undefined) {
    const what = `${hostsOf(settings.redisUrl)} (as given)`;
    return { url: settings.redisUrl, what, own: false };
  }
  const { ports, adminPorts } = portsOf(settings);
  const kept = [...ports, ...adminPorts];
  const redis = await openRedis({ directory, wantedPort: settings.redisPort, kept, signal });
  run.redis = redis;
  await redis.ready;
  return { url: redis.url, what: redis.what, own: true };
}

/**
 * The servers of a Redis URL, without what is secret in it.
 * @param {string} url which was found to be valid
 */
function hostsOf(url) {
  const [authority = ''] = url.slice(url.indexOf('//') + 2).split('/');
  return authority.slice(authority.lastIndexOf('@') + 1);
}

/**
 * `asked` resolves at the first signal to stop; a second one hurries the gateways.
 * @param {Run} run
 */
function stopSignals(run) {
  const controller = new AbortController();
  /** @type {Promise<void>} */
  const asked = new Promise((resolveAsked) => {
    /** @type {number | undefined} */
    let firstMs;
    const onSignal = (/** @type {NodeJS.Signals} */ name) => {
      if (firstMs === undefined) {
        firstMs = performance.now();
        say(`stopping (${name})`);
        controller.abort();
        run.programs = endPrograms();
        resolveAsked();
      } else if (performance.now() - firstMs > secondSignalMs) run.brokers?.kill();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, onSignal);
  });
  return { signal: controller.signal, asked };
}

/**
 * The gateways first, so that they can still answer; then Redis, which saves; then the lock.
 * @param {Run} run
 */
async function stopAll({ programs, brokers, redis, lock }) {
  await programs;
  for (const step of [() => brokers?.stop(), () => redis?.stop(), () => lock?.release()]) {
    try {
      await step();
    } catch (error) {
      complain(error);
      process.exitCode = 1;
    }
  }
}
