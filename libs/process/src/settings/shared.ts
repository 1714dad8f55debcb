import { redisUrlProblem } from './redis-url';
import { choice, integer, onOff, optionalText, text } from './table';

/** Where an app looks for Redis when it is run by itself, without npm start and without a URL. */
export const standaloneRedisUrl = 'redis://127.0.0.1:6379';

/** How every app finds its data. */
export const redisSettings = {
  redisUrl: optionalText({
    env: 'REDIS_URL',
    defaultText: 'npm start runs a Redis of its own',
    about:
      'redis://[[user]:password@]host[:port][/database]; for Sentinel, Cluster: docs/redis.md.',
    pattern: /^rediss?(\+(sentinel|cluster))?:\/\/[^\s/]/,
    rule: 'a URL that starts with redis://, redis+sentinel:// or redis+cluster://, or with rediss',
    further: redisUrlProblem,
    secret: true,
  }),
  redisManaged: onOff({
    default: false,
    defaultText: 'true for the Redis that npm start runs',
    about: "The Redis is Sluice's own: the gateway decides when its file is written anew.",
  }),
  redisFailoverMs: integer({
    default: 60_000,
    about:
      'How long a start waits for a failover, or for a Redis Cluster of which no node answers.',
    min: 1,
    max: 3_600_000,
  }),
  keyPrefix: text({
    default: 'sluice:',
    about: 'Start of the name of every key; several Sluices can share one Redis.',
    pattern: /^[^\s{}]{1,100}$/,
    rule: '1 to 100 characters without blanks and braces',
  }),
  acceptEmptyRedis: onOff({
    default: false,
    about: 'Begin anew where a gateway has found that Redis was emptied.',
  }),
  replicationTimeoutMs: integer({
    default: 5_000,
    about: 'How long acks=all waits for copies on replicas (WAIT), in milliseconds.',
    min: 1,
    max: 600_000,
  }),
};

const dayMinutes = 24 * 60;

/** What the housekeeping goes by, in every app that may do it. */
export const housekeepingSettings = {
  logRetentionCheckIntervalMs: integer({
    default: 300_000,
    about: 'How often topics are trimmed to their retention, in milliseconds.',
    min: 1_000,
    max: 2_147_483_647,
  }),
  producerIdExpirationMs: integer({
    default: dayMinutes * 60_000,
    about: 'An idempotent producer that writes nothing for so long is forgotten, in milliseconds.',
    min: 1_000,
    max: Number.MAX_SAFE_INTEGER,
  }),
  offsetsRetentionMinutes: integer({
    default: 7 * dayMinutes,
    about: 'How long the offsets of a group without members are kept, in minutes.',
    min: 1,
    max: 2_147_483_647,
  }),
};

/** A host name or an IP address: no scheme, no port, no blanks. */
export const hostName = {
  pattern: /^([\w.-]+|(?=.*:.*:)[\da-f:.]+(%\w+)?)$/i,
  rule: 'a host name or an IP address, without a scheme or a port',
};

/**
 * The HTTP port of an app.
 *
 * @param app what it serves there, on which port unless told otherwise, and what is wrong with a
 * list of API keys, if anything is
 */
export function adminSettings(app: {
  about: string;
  port: number;
  keysProblem: (keys: string) => string | undefined;
}) {
  return {
    admin: onOff({ default: true, about: app.about }),
    adminHost: text({
      default: '127.0.0.1',
      about:
        'Address of the admin endpoints. ' +
        'One that leads to more than this machine needs an API key.',
      ...hostName,
    }),
    adminPort: integer({
      default: app.port,
      about: 'Port of the admin endpoints; 0 takes a free one.',
      min: 0,
      max: 65_535,
    }),
    adminKeys: optionalText({
      defaultText: 'none: everybody on this machine may do everything',
      about: 'API keys (read, write, admin), as name:role:key and separated by commas.',
      pattern: /\S/,
      rule: 'keys as name:role:key',
      further: app.keysProblem,
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
        'Admin requests that are answered in a second ' +
        'for one key, or for one address without keys.',
      min: 1,
      max: 1_000_000,
    }),
  };
}

/** How every app runs. */
export const runningSettings = {
  shutdownGraceMs: integer({
    default: 10_000,
    about: 'How long a stop waits for requests that are under way, in milliseconds.',
    min: 0,
    max: 600_000,
  }),
  logLevel: choice({
    default: 'info',
    about: 'Least important lines to log.',
    choices: ['debug', 'info', 'warn', 'error'],
  }),
  logFormat: choice({
    default: 'text',
    about: 'How lines are logged.',
    choices: ['text', 'json'],
  }),
};
