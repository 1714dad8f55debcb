import { defaultGroupLimits, type GroupLimits } from '@sluice/groups';
import { configDefinitions, type ConfigType } from '@sluice/log';
import type { BrokerServices } from '../requests/context';
import { type BrokerOptions, defaultBrokerOptions } from '../options';
import { ConfigSource } from './config-codes';
import type { DescribedConfig } from './described-config';
import { usualReplicationFactor } from './assignments';
import { logDir } from './log-dir';

type Numeric = {
  [K in keyof BrokerOptions]-?: BrokerOptions[K] extends number ? K : never;
}[keyof BrokerOptions];
type Row = [name: string, type: ConfigType, option: Numeric | 'autoCreateTopics', about: string];

/** Our settings that Kafka's brokers have too, under Kafka's names. */
const settings: Row[] = [
  [
    'auto.create.topics.enable',
    'BOOLEAN',
    'autoCreateTopics',
    'Whether asking for the metadata of an unknown topic creates it, where the client agrees.',
  ],
  [
    'connections.max.idle.ms',
    'LONG',
    'connectionIdleMs',
    'A connection without any traffic for this time is closed.',
  ],
  ['max.connections', 'INT', 'connectionsMax', 'Client connections that may be open at once.'],
  ['num.partitions', 'INT', 'defaultPartitions', 'Partitions of a topic that does not say.'],
  [
    'queued.max.request.bytes',
    'LONG',
    'inFlightBytesMax',
    'Bytes of requests in memory, over all connections; reading pauses beyond it.',
  ],
  [
    'socket.request.max.bytes',
    'INT',
    'frameBytesMax',
    'Largest request in bytes; a larger one closes its connection.',
  ],
];

/**
 * The broker's configs under Kafka's names, sorted: read-only, because environment variables and
 * flags set them. The defaults of topics' configs are among them.
 */
export function describeBrokerConfigs(services: BrokerServices): DescribedConfig[] {
  const { options } = services;
  const own = settings.map(([name, type, option, documentation]) => {
    const isDefault = options[option] === defaultBrokerOptions[option];
    return describe({ name, type, documentation }, String(options[option]), isDefault);
  });
  const ofTopics = configDefinitions.flatMap(({ name, brokerName, type, default: value }) => {
    if (brokerName === null) return [];
    const documentation = `The default of a topic's ${name}.`;
    return [describe({ name: brokerName, type, documentation }, value, true)];
  });
  const all = [...own, ...ofGroups(services), ...ofTopics, ...identity(services), ...constants];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The group coordinator's limits that Kafka's brokers have too. */
function ofGroups({ groups }: BrokerServices): DescribedConfig[] {
  const minuteMs = 60_000;
  const rows: [name: string, limit: keyof GroupLimits, unitMs: number, about: string][] = [
    ['group.min.session.timeout.ms', 'sessionTimeoutMsMin', 1, 'Smallest session timeout allowed.'],
    ['group.max.session.timeout.ms', 'sessionTimeoutMsMax', 1, 'Largest session timeout allowed.'],
    [
      'group.initial.rebalance.delay.ms',
      'initialRebalanceDelayMs',
      1,
      'How long a new group waits for more members before its first rebalance.',
    ],
    [
      'offsets.retention.minutes',
      'offsetsRetentionMs',
      minuteMs,
      'How long the offsets of a group without members are kept.',
    ],
  ];
  return rows.map(([name, limit, unitMs, documentation]) => {
    const value = groups.limits[limit];
    const isDefault = value === defaultGroupLimits[limit];
    return describe({ name, type: 'INT', documentation }, String(value / unitMs), isDefault);
  });
}

/** Who this broker is, and where. */
function identity(services: BrokerServices): DescribedConfig[] {
  const { options, cluster } = services;
  const id = String(cluster.selfId);
  const own = cluster.brokers().find((broker) => broker.id === cluster.selfId);
  const { host, port } = own ?? { host: options.advertisedHost, port: options.port };
  const listener = endpoint(options.host, options.port || port);
  const texts: [name: string, type: ConfigType, value: string, documentation: string][] = [
    ['advertised.listeners', 'LIST', endpoint(host, port), 'Where clients connect.'],
    [
      'default.replication.factor',
      'INT',
      String(usualReplicationFactor(cluster)),
      'Brokers that may lead a partition where nobody says how many: 3, or as many as are there.',
    ],
    ['broker.id', 'INT', id, "This gateway's number among the brokers."],
    ['listeners', 'LIST', listener, 'What this gateway listens on.'],
    // Kafka's tools take it for the directory that DescribeLogDirs names.
    ['log.dirs', 'STRING', logDir(services), 'Where the logs are: this Redis, below the prefix.'],
    ['node.id', 'INT', id, 'The same as broker.id.'],
  ];
  return texts.map(([name, type, value, documentation]) => {
    return describe({ name, type, documentation }, value, false);
  });
}

/** What cannot be set here, but clients ask for. */
const constants: DescribedConfig[] = [
  describe(
    { name: 'delete.topic.enable', type: 'BOOLEAN', documentation: 'Topics can be deleted.' },
    'true',
    true,
  ),
  describe(
    {
      name: 'remote.log.storage.system.enable',
      type: 'BOOLEAN',
      documentation: 'Whether there is tiered storage. There is none.',
    },
    'false',
    true,
  ),
];

function describe(
  about: Pick<DescribedConfig, 'name' | 'type' | 'documentation'>,
  value: string,
  isDefault: boolean,
): DescribedConfig {
  const { DEFAULT_CONFIG, STATIC_BROKER_CONFIG } = ConfigSource;
  const source = isDefault ? DEFAULT_CONFIG : STATIC_BROKER_CONFIG;
  const synonym = { name: about.name, value, source };
  return { ...about, ...synonym, readOnly: true, synonyms: [synonym] };
}

function endpoint(host: string, port: number): string {
  return `PLAINTEXT://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
