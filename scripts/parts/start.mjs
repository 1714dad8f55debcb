import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { banner } from './banner.mjs';
import { ensureBuilt } from './build.mjs';
import { complain, duration, say, Trouble } from './console.mjs';
import { Gateway } from './gateway.mjs';
import { ensureInstalled } from './install.mjs';
import { Lock } from './lock.mjs';
import { whyNotListen } from './network.mjs';
import { codeOf, endProcess, endPrograms } from './processes.mjs';
import { root } from './project.mjs';
import { openRedis } from './redis.mjs';

/**
 * @typedef {import('./gateway.mjs').Loaded} Loaded
 * @typedef {import('./gateway.mjs').GatewaySettings} GatewaySettings
 * @typedef {object} Run what has begun, and has to be stopped
 * @property {Lock} [lock]
 * @property {import('./lock.mjs').Holder} [left] what a start that was killed has left
 * @property {import('./redis.mjs').OwnRedis} [redis]
 * @property {Gateway} [gateway]
 * @property {Promise<void>} [programs] resolves when npm or the compiler has ended after a signal
 */

/**
 * Ctrl-C may arrive twice at once, from the terminal and from npm; a person's second one comes
 * later.
 */
const secondSignalMs = 1_000;
const leftGatewayGraceMs = 15_000;

/**
 * Installs, builds, finds a Redis, runs the gateway; at the end stops all in the opposite order.
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
  const gateway = new Gateway(argv);
  run.gateway = gateway;
  const ended = untilGatewayEnds(gateway, signal);
  const settings = readSettings(await Promise.race([gateway.settings, ended]));
  if (settings === undefined) return;
  await endLeftGateway(run.left);
  await checkPorts(settings);
  const redis = await connectRedis({ run, settings, directory, signal });
  run.lock?.tell({ gateway: gateway.identity });
  gateway.run({ redisUrl: redis.url, own: redis.own, graceMs: settings.shutdownGraceMs });
  const ready = await Promise.race([gateway.ready, ended]);
  if (ready === undefined) return;
  run.lock?.tell({ kafkaPort: ready.port });
  say(`ready in ${duration(process.uptime() * 1_000)}`);
  const { port, adminPort } = ready;
  console.log(banner({ settings, port, adminPort, redis, directory }));
  await ended;
}

/**
 * @param {Gateway} gateway
 * @param {AbortSignal} signal
 */
async function untilGatewayEnds(gateway, signal) {
  const how = await gateway.ended;
  if (!signal.aborted) throw new Trouble(`the gateway ended (${how}); its last lines are above.`);
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
 * @param {Loaded | void} loaded undefined when the gateway has ended
 * @returns {GatewaySettings | undefined} undefined also when only help or the version was asked
 *   for, which is printed
 */
function readSettings(loaded) {
  if (loaded === undefined) return undefined;
  if ('errors' in loaded) throw new Trouble(loaded.errors.join('\nsluice: '));
  if ('settings' in loaded) return loaded.settings;
  console.log('help' in loaded ? loaded.help : loaded.version);
  return undefined;
}

/**
 * A start that was killed leaves a gateway that is on its way out; it may still hold the port.
 * @param {Run['left']} left
 */
async function endLeftGateway(left) {
  if (left?.gateway === undefined) return;
  await endProcess(left.gateway, { graceMs: leftGatewayGraceMs, force: true });
}

/** @param {GatewaySettings} settings */
async function checkPorts({ host, port, admin, adminHost, adminPort }) {
  await checkPort(host, port, '');
  if (admin) await checkPort(adminHost, adminPort, 'admin-');
}

/**
 * @param {string} host
 * @param {number} port
 * @param {'' | 'admin-'} kind what the names of its flags begin with
 */
async function checkPort(host, port, kind) {
  let why = await whyNotListen(port, host);
  if (why !== undefined && why !== 'EADDRINUSE' && host === '::') {
    why = await whyNotListen(port, '0.0.0.0');
  }
  if (why !== undefined) throw new Trouble(cannotListen(why, host, port, kind));
}

/**
 * @param {string} why
 * @param {string} host
 * @param {number} port
 * @param {'' | 'admin-'} kind
 */
function cannotListen(why, host, port, kind) {
  const usual = kind === '' ? 9_092 : 8_080;
  const other = port < 1_024 || port === 65_535 ? usual : port + 1;
  const choosePort = `Choose another port: npm start -- --${kind}port ${other}`;
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
    const { host } = new URL(settings.redisUrl);
    return { url: settings.redisUrl, what: `${host} (as given)`, own: false };
  }
  const { redisPort: wantedPort, port: kafkaPort } = settings;
  const redis = await openRedis({ directory, wantedPort, kafkaPort, signal });
  run.redis = redis;
  await redis.ready;
  return { url: redis.url, what: redis.what, own: true };
}

/**
 * `asked` resolves at the first signal to stop; a second one hurries the gateway.
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
      } else if (performance.now() - firstMs > secondSignalMs) run.gateway?.kill();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, onSignal);
  });
  return { signal: controller.signal, asked };
}

/**
 * The gateway first, so that it can still answer; then Redis, which saves; then the lock.
 * @param {Run} run
 */
async function stopAll({ programs, gateway, redis, lock }) {
  await programs;
  for (const step of [() => gateway?.stop(), () => redis?.stop(), () => lock?.release()]) {
    try {
      await step();
    } catch (error) {
      complain(error);
      process.exitCode = 1;
    }
  }
}
