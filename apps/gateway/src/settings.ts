import { isLoopback, parseApiKeys, type ApiKey } from '@sluice/admin';
import { readFileSync } from 'node:fs';
import {
  defineSettings,
  housekeepingSettings,
  integer,
  loadSettings,
  onOff,
  optionalText,
  redisSettings,
  runningSettings,
  text,
  type LoadedSettings,
  type ValuesOfTable,
} from '@sluice/process';

const MiB = 1024 * 1024;
const int32Max = 2_147_483_647;

/** A host name or an IP address: no scheme, no port, no blanks. */
const hostPattern = /^([\w.-]+|(?=.*:.*:)[\da-f:.]+(%\w+)?)$/i;
/** What nobody can connect to from elsewhere, as it stands for every address of a machine. */
const allAddresses = /^(0\.0\.0\.0|[0:]*:[0:]*)$/;
const hostRule = 'a host name or an IP address, without a scheme or a port';

const kafkaListener = {
  host: text({
    default: '::',
    defaultText: ':: (IPv4 and IPv6; 0.0.0.0 where IPv6 is off)',
    about: 'Address to listen on.',
    pattern: hostPattern,
    rule: hostRule,
  }),
  port: integer({
    default: 9092,
    about: 'Port that Kafka clients connect to; 0 takes a free one.',
    min: 0,
    max: 65_535,
  }),
  advertisedHost: optionalText({
    defaultText: 'the one that it listens on; localhost where that is all addresses',
    about: 'Host name that clients are told to connect to; they must be able to resolve it.',
    pattern: hostPattern,
    rule: hostRule,
  }),
  advertisedPort: integer({
    default: 0,
    defaultText: 'the port that it listens on',
    about: 'Port that clients are told to connect to.',
    min: 0,
    max: 65_535,
  }),
  brokerId: integer({
    default: 1,
    about: 'Number of this broker, as clients see it.',
    min: 0,
    max: int32Max,
  }),
};

const adminEndpoints = {
  admin: onOff({
    default: true,
    about: 'Serve the admin endpoints: HTTP for people and tools.',
  }),
  adminHost: text({
    default: '127.0.0.1',
    about:
      'Address of the admin endpoints. One that leads to more than this machine needs an API key.',
    pattern: hostPattern,
    rule: hostRule,
  }),
  adminPort: integer({
    default: 8080,
    about: 'Port of the admin endpoints; 0 takes a free one.',
    min: 0,
    max: 65_535,
  }),
  adminKeys: optionalText({
    defaultText: 'none: everybody on this machine may do everything',
    about: 'API keys (read, write, admin), as name:role:key and separated by commas.',
    pattern: /\S/,
    rule: 'keys as name:role:key',
    further: (keys) => keysProblem(keys),
    secret: true,
  }),
  adminKeysFile: optionalText({
    defaultText: 'none',
    about: 'File with more such keys, one a line.',
    pattern: /\S/,
    rule: 'a path',
  }),
  adminRequestsPerSecond: integer({
    default: 100,
    about:
      'Admin requests that are answered in a second for one key, or for one address without keys.',
    min: 1,
    max: 1_000_000,
  }),
};

const topics = {
  autoCreateTopics: onOff({
    default: true,
    about: 'Make a topic when a client first asks for it.',
  }),
  defaultPartitions: integer({
    default: 1,
    about: 'Partitions of a topic that is made without saying how many.',
    min: 1,
    max: 10_000,
  }),
};

const consumerGroups = {
  groupInitialRebalanceDelayMs: integer({
    default: 200,
    about:
      'How long a new group waits for more members before its first rebalance, in milliseconds.',
    min: 0,
    max: 300_000,
  }),
  groupMinSessionTimeoutMs: integer({
    default: 6_000,
    about: 'Smallest session timeout that a member may ask for, in milliseconds.',
    min: 1,
    max: int32Max,
  }),
  groupMaxSessionTimeoutMs: integer({
    default: 1_800_000,
    about: 'Largest session timeout that a member may ask for, in milliseconds.',
    min: 1,
    max: int32Max,
  }),
};

const housekeeping = {
  worker: onOff({
    default: true,
    about: 'Trim topics and do the housekeeping in this process; without it, run apps/worker.',
  }),
  ...housekeepingSettings,
};

const limits = {
  connectionsMax: integer({
    default: 10_000,
    about: 'Connections that may be open at once.',
    min: 1,
    max: 1_000_000,
  }),
  connectionIdleMs: integer({
    default: 600_000,
    about: 'A connection without a request for so long is closed, in milliseconds.',
    min: 1_000,
    max: int32Max,
  }),
  frameBytesMax: integer({
    default: 100 * MiB,
    about: 'Largest request, in bytes.',
    min: 1_024,
    max: int32Max,
  }),
  inFlightBytesMax: integer({
    default: 256 * MiB,
    about: 'Bytes of all requests that are being read and worked on; beyond it reading pauses.',
    min: 1_024,
    max: Number.MAX_SAFE_INTEGER,
  }),
  hotBytesMax: integer({
    default: 64 * MiB,
    about: 'Memory for the newest batches, which are served without asking Redis, in bytes.',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  }),
};

const npmStart = {
  dataDir: text({
    default: 'data',
    defaultText: 'data, in the project',
    about: 'Directory for the data of the Redis that npm start runs.',
    pattern: /\S/,
    rule: 'a path',
  }),
  redisPort: integer({
    default: 6390,
    about: 'Port of the Redis that npm start runs; when it is busy, a free one is taken.',
    min: 1,
    max: 65_535,
  }),
};

/**
 * Every setting of the gateway, each declared once: its name gives the environment variable and the
 * flag, its row the default, the text of `--help` and the check. Units are part of the names. A new
 * one is a new row here, and `npm run docs`.
 */
export const gatewaySettings = defineSettings(
  {
    Redis: redisSettings,
    'Kafka listener': kafkaListener,
    'Admin endpoints': adminEndpoints,
    Topics: topics,
    'Consumer groups': consumerGroups,
    Housekeeping: housekeeping,
    Limits: limits,
    Running: runningSettings,
    'Only for npm start': npmStart,
  },
  [
    {
      name: 'groupMinSessionTimeoutMs',
      other: 'groupMaxSessionTimeoutMs',
      label: 'the largest session timeout',
    },
    { name: 'frameBytesMax', other: 'inFlightBytesMax', label: 'the bytes that may be in flight' },
  ],
);

type Declared = ValuesOfTable<typeof gatewaySettings>;

/** The gateway's settings, with the values that follow from others filled in. */
export interface GatewaySettings extends Omit<Declared, 'adminKeys' | 'adminKeysFile'> {
  advertisedHost: string;
  /** Of the variable and of the file. The keys themselves are not kept, only their hashes. */
  adminKeys: readonly ApiKey[];
}

/** The gateway's settings from the environment and the command line; see `loadSettings`. */
export function loadGatewaySettings(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): LoadedSettings<GatewaySettings> {
  const loaded = loadSettings(gatewaySettings, env, argv);
  if (!('settings' in loaded)) return loaded;
  const { settings, warnings } = loaded;
  const admin = adminKeysOf(settings);
  if ('error' in admin) return { errors: [admin.error] };
  const advertisedPort = settings.advertisedPort || settings.port;
  const ownHost = allAddresses.test(settings.host) ? 'localhost' : settings.host;
  const advertisedHost = settings.advertisedHost ?? ownHost;
  const { adminKeysFile: _, ...others } = settings;
  const derived = { advertisedPort, advertisedHost, adminKeys: admin.keys };
  return { settings: { ...others, ...derived }, warnings };
}

function keysProblem(text: string): string | undefined {
  const parsed = parseApiKeys(text);
  return 'problem' in parsed ? `have the form name:role:key, but ${parsed.problem}` : undefined;
}

/** The API keys of both places, or why they will not do. */
function adminKeysOf(settings: Declared): { keys: ApiKey[] } | { error: string } {
  const { admin, adminHost, adminKeys = '', adminKeysFile } = settings;
  if (!admin) return { keys: [] };
  let fromFile = '';
  try {
    if (adminKeysFile !== undefined) fromFile = readFileSync(adminKeysFile, 'utf8');
  } catch (error) {
    return { error: `--admin-keys-file cannot be read: ${(error as Error).message}` };
  }
  const parsed = parseApiKeys(`${adminKeys}\n${fromFile}`);
  if ('problem' in parsed) return { error: `--admin-keys-file: ${parsed.problem}` };
  if (parsed.keys.length > 0 || isLoopback(adminHost)) return parsed;
  return {
    error:
      `--admin-host is '${adminHost}', where others can reach the admin endpoints, so they need ` +
      'an API key: set SLUICE_ADMIN_KEYS to name:admin:key, or leave out --admin-host',
  };
}
