import { advertisedPortOf } from './brokers.mjs';

/**
 * @typedef {import('../../apps/gateway/src/settings.js').GatewaySettings} GatewaySettings
 * @typedef {import('./brokers.mjs').Place} Place
 * @typedef {{ what: string, own: boolean }} RedisShown whether it is a Redis of our own, in words
 */

/**
 * What is reachable where, and what to try next; shown once the gateways listen.
 * @param {object} facts
 * @param {GatewaySettings} facts.settings
 * @param {readonly Place[]} facts.places where the brokers listen
 * @param {RedisShown} facts.redis
 * @param {string} facts.directory
 */
export function banner({ settings, places, redis, directory }) {
  const all = places.map(({ port }, index) => {
    return address(settings.advertisedHost, advertisedPortOf(settings, index) ?? port);
  });
  const at = all.join(',');
  const adminPort = places[0]?.adminPort ?? null;
  const http = adminPort === null ? null : adminUrl(settings, adminPort);
  const rows = [
    ...(places.length > 1 ? brokerRows(settings, places, all) : []),
    ...(places.length > 1 ? [] : [['Kafka', `${at}${atBroker(settings, places[0]?.port ?? 0)}`]]),
    ...(http === null ? [] : [['Admin', `${http}/v1, described at ${http}/docs`]]),
    ['Redis', redis.what],
    ...(redis.own ? [['Data', directory]] : []),
    ['Promise', redis.own ? ownPromise : redisPromise],
  ];
  const tries = [
    ['write', `echo 'hello' | kcat -b ${at} -t greetings -P`],
    ['read', `kcat -b ${at} -t greetings -C -o beginning -e`],
    ...(http === null ? [] : [['admin', `curl ${http}/v1/topics${withKey(settings)}`]]),
    ['kafkajs', `new Kafka({ brokers: [${all.map((one) => `'${one}'`).join(', ')}] })`],
    ['settings', 'npm start -- --help'],
    ['stop', `Ctrl-C, or: kill ${process.pid}`],
  ];
  return ['', 'Sluice is ready.', ...table(rows), '', 'Try:', ...table(tries), ''].join('\n');
}

/**
 * One row a broker of a cluster.
 * @param {GatewaySettings} settings
 * @param {readonly Place[]} places
 * @param {readonly string[]} addresses as clients are told them
 */
function brokerRows(settings, places, addresses) {
  return places.map(({ id, port, adminPort }, index) => {
    const admin = adminPort === null ? '' : `, admin ${adminUrl(settings, adminPort)}`;
    const isUsual = advertisedPortOf(settings, index) === null;
    const listens = isUsual ? '' : ` (listens on ${address(settings.host, port)})`;
    return [`Broker ${id}`, `${addresses[index]}${listens}${admin}`];
  });
}

/** What an acknowledgement is worth, in one line each. */
const ownPromise =
  'acknowledged records survive killed processes; a power cut may take the last second';
const redisPromise =
  'acknowledged records are as safe as that Redis is (append-only file, replicas)';

/**
 * The address that clients are told may differ from the one that is listened on.
 * @param {GatewaySettings} settings
 * @param {number} port
 */
function atBroker(settings, port) {
  const { host, advertisedHost, advertisedPort } = settings;
  const usual = ['::', advertisedHost].includes(host) && (advertisedPort || port) === port;
  return usual ? '' : ` (listens on ${address(host, port)})`;
}

/**
 * Where a browser on this machine finds the admin endpoints.
 * @param {GatewaySettings} settings
 * @param {number} port
 */
function adminUrl({ adminHost }, port) {
  const isHere = /^(::|0\.0\.0\.0|127\.0\.0\.1|::1)$/.test(adminHost);
  return `http://${address(isHere ? 'localhost' : adminHost, port)}`;
}

/** @param {GatewaySettings} settings */
function withKey({ adminKeys }) {
  return adminKeys.length === 0 ? '' : " -H 'Authorization: Bearer <key>'";
}

/**
 * Host and port as one word, as clients take it.
 * @param {string} host
 * @param {number} port
 */
function address(host, port) {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** @param {string[][]} rows pairs of a name and a text */
function table(rows) {
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows.map(([name = '', text]) => `  ${name.padEnd(width)}  ${text}`);
}
