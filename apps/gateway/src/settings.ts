import { apiKeysOf, apiKeysProblem, type ApiKey } from '@sluice/admin';
import {
  adminSettings,
  defineSettings,
  hostName,
  housekeepingSettings,
  integer,
  loadSettings,
  onOff,
  optionalInteger,
  optionalText,
  redisSettings,
  runningSettings,
  text,
  type LoadedSettings,
  type ValuesOfTable,
} from '@sluice/process';

const MiB = 1024 * 1024;
const int32Max = 2_147_483_647;

/** What nobody can connect to from elsewhere, as it stands for every address of a machine. */
const allAddresses = /^(0\.0\.0\.0|[0:]*:[0:]*)$/;

const kafkaListener = {
  host: text({
    default: '::',
    defaultText: ':: (IPv4 and IPv6; 0.0.0.0 where IPv6 is off)',
    about: 'Address to listen on.',
    ...hostName,
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
    ...hostName,
  }),
  advertisedPort: integer({
    default: 0,
    defaultText: 'the port that it listens on',
    about: 'Port that clients are told to connect to.',
    min: 0,
    max: 65_535,
  }),
};

const cluster = {
  brokerId: optionalInteger({
    defaultText: 'the lowest, from 1 up, that no other gateway has',
    about: 'Number of this broker, as clients see it.',
    min: 0,
    max: int32Max,
  }),
  rack: optionalText({
    defaultText: 'none',
    about: 'Where it stands, such as an availability zone; leaders are spread over racks.',
    pattern: /^[\x21-\x7e]{1,255}$/,
    rule: '1 to 255 printable ASCII characters without spaces',
  }),
  brokerSessionMs: integer({
    default: 6_000,
    about:
      'After so long without a word from it the other gateways take over what it led, in ' +
      'milliseconds.',
    min: 2_000,
    max: 300_000,
  }),
  leaderBalancing: onOff({
    default: true,
    about: 'Spread partition leaders evenly again by itself (auto.leader.rebalance.enable).',
  }),
  leaderBalancingMs: integer({
    default: 10_000,
    about: 'How often the controller looks whether leaders are spread evenly, in milliseconds.',
    min: 1_000,
    max: 86_400_000,
  }),
  leaderImbalancePercent: integer({
    default: 10,
    about: 'By how many percent of its share a gateway may lead too much before leaders are moved.',
    min: 0,
    max: 100,
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
  brokers: integer({
    default: 1,
    about: 'Gateways that npm start runs as one cluster, with ports and broker ids in a row.',
    min: 1,
    max: 9,
  }),
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
    Cluster: cluster,
    'Admin endpoints': adminSettings({
      about: 'Serve the admin endpoints: HTTP for people and tools.',
      port: 8080,
      keysProblem: apiKeysProblem,
    }),
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
  const admin = apiKeysOf(settings);
  if ('error' in admin) return { errors: [admin.error] };
  const advertisedPort = settings.advertisedPort || settings.port;
  const ownHost = allAddresses.test(settings.host) ? 'localhost' : settings.host;
  const advertisedHost = settings.advertisedHost ?? ownHost;
  const { adminKeysFile: _, ...others } = settings;
  const derived = { advertisedPort, advertisedHost, adminKeys: admin.keys };
  return { settings: { ...others, ...derived }, warnings };
}
