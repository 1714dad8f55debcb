import { IsOptional, validateSync } from 'class-validator';
import { helpText } from '../cli/help';
import { AtMost } from './at-most';
import { parseValue, readEnvironment, readFlags, type RawValue } from './raw-values';
import { ReadableRedisUrl } from './redis-url';
import {
  BooleanSetting,
  ChoiceSetting,
  IntegerSetting,
  settingDefinitions,
  TextSetting,
} from './setting';
import { projectVersion } from './version';

const MiB = 1024 * 1024;
const day = 24 * 60;
const int32Max = 2_147_483_647;
const kafka = 'Kafka listener';
const redis = 'Redis';
const topics = 'Topics';
const groups = 'Consumer groups';
const limits = 'Limits';
const running = 'Running';
const start = 'Only for npm start';

/** A host name or an IP address: no scheme, no port, no blanks. */
const hostPattern = /^([\w.-]+|(?=.*:.*:)[\da-f:.]+(%\w+)?)$/i;
/** What nobody can connect to from elsewhere, as it stands for every address of a machine. */
const allAddresses = /^(0\.0\.0\.0|[0:]*:[0:]*)$/;
const hostRule = 'a host name or an IP address, without a scheme or a port';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'text' | 'json';

/**
 * Where the gateway looks for Redis when it is run by itself, without npm start and without a URL.
 */
export const standaloneRedisUrl = 'redis://127.0.0.1:6379';

/**
 * Every setting of the gateway, each declared here once: its name gives the environment variable
 * and the flag, its decorator the default, the text of `--help` and the check. Units are part of
 * the names.
 */
export class Settings {
  @IsOptional()
  @ReadableRedisUrl()
  @TextSetting({
    group: redis,
    env: 'REDIS_URL',
    default: undefined,
    defaultText: 'npm start runs a Redis of its own',
    about: 'Redis to keep everything in: redis://[[user]:password@]host[:port][/database].',
    pattern: /^rediss?:\/\/[^\s/]/,
    rule: 'a URL that starts with redis:// or rediss://',
    secret: true,
  })
  redisUrl: string | undefined;

  @TextSetting({
    group: redis,
    default: 'sluice:',
    about: 'Start of the name of every key; several Sluices can share one Redis.',
    pattern: /^[^\s{}]{1,100}$/,
    rule: '1 to 100 characters without blanks and braces',
  })
  keyPrefix!: string;

  @BooleanSetting({
    group: redis,
    default: false,
    about: 'Begin anew where the gateway has found that Redis was emptied.',
  })
  acceptEmptyRedis!: boolean;

  @IntegerSetting({
    group: redis,
    default: 5_000,
    about: 'How long acks=all waits for copies on replicas (WAIT), in milliseconds.',
    min: 1,
    max: 600_000,
  })
  replicationTimeoutMs!: number;

  @TextSetting({
    group: kafka,
    default: '::',
    defaultText: ':: (IPv4 and IPv6; 0.0.0.0 where IPv6 is off)',
    about: 'Address to listen on.',
    pattern: hostPattern,
    rule: hostRule,
  })
  host!: string;

  @IntegerSetting({
    group: kafka,
    default: 9092,
    about: 'Port that Kafka clients connect to; 0 takes a free one.',
    min: 0,
    max: 65_535,
  })
  port!: number;

  @IsOptional()
  @TextSetting({
    group: kafka,
    default: undefined,
    defaultText: 'the one that it listens on; localhost where that is all addresses',
    about: 'Host name that clients are told to connect to; they must be able to resolve it.',
    pattern: hostPattern,
    rule: hostRule,
  })
  advertisedHost!: string;

  @IntegerSetting({
    group: kafka,
    default: 0,
    defaultText: 'the port that it listens on',
    about: 'Port that clients are told to connect to.',
    min: 0,
    max: 65_535,
  })
  advertisedPort!: number;

  @IntegerSetting({
    group: kafka,
    default: 1,
    about: 'Number of this broker, as clients see it.',
    min: 0,
    max: int32Max,
  })
  brokerId!: number;

  @BooleanSetting({
    group: topics,
    default: true,
    about: 'Make a topic when a client first asks for it.',
  })
  autoCreateTopics!: boolean;

  @IntegerSetting({
    group: topics,
    default: 1,
    about: 'Partitions of a topic that is made without saying how many.',
    min: 1,
    max: 10_000,
  })
  defaultPartitions!: number;

  @IntegerSetting({
    group: topics,
    default: day * 60_000,
    about:
      'A producer that has not written to a partition for so long is forgotten, in milliseconds.',
    min: 1_000,
    max: Number.MAX_SAFE_INTEGER,
  })
  producerIdExpirationMs!: number;

  @IntegerSetting({
    group: groups,
    default: 200,
    about:
      'How long a new group waits for more members before its first rebalance, in milliseconds.',
    min: 0,
    max: 300_000,
  })
  groupInitialRebalanceDelayMs!: number;

  @AtMost('groupMaxSessionTimeoutMs', 'the largest session timeout')
  @IntegerSetting({
    group: groups,
    default: 6_000,
    about: 'Smallest session timeout that a member may ask for, in milliseconds.',
    min: 1,
    max: int32Max,
  })
  groupMinSessionTimeoutMs!: number;

  @IntegerSetting({
    group: groups,
    default: 1_800_000,
    about: 'Largest session timeout that a member may ask for, in milliseconds.',
    min: 1,
    max: int32Max,
  })
  groupMaxSessionTimeoutMs!: number;

  @IntegerSetting({
    group: groups,
    default: 7 * day,
    about: 'How long the offsets of a group without members are kept, in minutes.',
    min: 1,
    max: int32Max,
  })
  offsetsRetentionMinutes!: number;

  @IntegerSetting({
    group: limits,
    default: 10_000,
    about: 'Connections that may be open at once.',
    min: 1,
    max: 1_000_000,
  })
  connectionsMax!: number;

  @IntegerSetting({
    group: limits,
    default: 600_000,
    about: 'A connection without a request for so long is closed, in milliseconds.',
    min: 1_000,
    max: int32Max,
  })
  connectionIdleMs!: number;

  @AtMost('inFlightBytesMax', 'the bytes that may be in flight')
  @IntegerSetting({
    group: limits,
    default: 100 * MiB,
    about: 'Largest request, in bytes.',
    min: 1_024,
    max: int32Max,
  })
  frameBytesMax!: number;

  @IntegerSetting({
    group: limits,
    default: 256 * MiB,
    about: 'Bytes of all requests that are being read and worked on; beyond it reading pauses.',
    min: 1_024,
    max: Number.MAX_SAFE_INTEGER,
  })
  inFlightBytesMax!: number;

  @IntegerSetting({
    group: limits,
    default: 64 * MiB,
    about: 'Memory for the newest batches, which are served without asking Redis, in bytes.',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  })
  hotBytesMax!: number;

  @IntegerSetting({
    group: running,
    default: 10_000,
    about: 'How long a stop waits for requests that are under way, in milliseconds.',
    min: 0,
    max: 600_000,
  })
  shutdownGraceMs!: number;

  @ChoiceSetting({
    group: running,
    default: 'info',
    about: 'Least important lines to log.',
    choices: ['debug', 'info', 'warn', 'error'],
  })
  logLevel!: LogLevel;

  @ChoiceSetting({
    group: running,
    default: 'text',
    about: 'How lines are logged.',
    choices: ['text', 'json'],
  })
  logFormat!: LogFormat;

  @TextSetting({
    group: start,
    default: 'data',
    defaultText: 'data, in the project',
    about: 'Directory for the data of the Redis that npm start runs.',
    pattern: /\S/,
    rule: 'a path',
  })
  dataDir!: string;

  @IntegerSetting({
    group: start,
    default: 6390,
    about: 'Port of the Redis that npm start runs; when it is busy, a free one is taken.',
    min: 1,
    max: 65_535,
  })
  redisPort!: number;
}

export type LoadedSettings =
  | { settings: Settings; warnings: string[] }
  | { help: string }
  | { version: string }
  | { errors: string[] };

/**
 * Settings from the environment and the command line (`argv` without the program); flags win.
 * `errors` are sentences for people, each naming the flag or variable that is wrong.
 */
export function loadSettings(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): LoadedSettings {
  const definitions = settingDefinitions(Settings);
  const flags = readFlags(argv, definitions);
  if (flags.asked === 'help') return { help: helpText(projectVersion(), definitions) };
  if (flags.asked === 'version') return { version: projectVersion() };
  const environment = readEnvironment(env, definitions);
  const given = new Map([...environment.values, ...flags.values]);
  const settings = new Settings();
  for (const { name, kind, default: value } of definitions) {
    const raw = given.get(name);
    Object.assign(settings, { [name]: raw === undefined ? value : parseValue(kind, raw.text) });
  }
  const errors = [...flags.errors, ...invalid(settings, given)];
  if (errors.length > 0) return { errors };
  settings.advertisedPort ||= settings.port;
  settings.advertisedHost ??= allAddresses.test(settings.host) ? 'localhost' : settings.host;
  return { settings, warnings: environment.warnings };
}

function invalid(settings: Settings, given: ReadonlyMap<string, RawValue>): string[] {
  const definitions = settingDefinitions(Settings);
  return validateSync(settings).map(({ property, constraints }) => {
    const definition = definitions.find(({ name }) => name === property);
    const raw = given.get(property);
    const rules = [...new Set(Object.values(constraints ?? {}))].join(', and ');
    const shown = definition?.secret || raw === undefined ? '' : ` is '${raw.text}', which`;
    return `${raw?.source ?? definition?.flag ?? property}${shown} ${rules}`;
  });
}
