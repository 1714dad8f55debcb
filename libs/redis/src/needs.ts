/**
 * What Sluice asks of Redis: every command that it sends, by itself, inside a script or through
 * BullMQ, with arguments as it may have them. `<key>` stands for a key, `<channel>` for a channel
 * of the prefix. test/tidy/redis-commands.spec.ts holds the code against this list.
 */
export const neededCommands: readonly string[] = [
  'BZPOPMIN <key> 1',
  'DEL <key>',
  'EVAL script 1 <key>',
  'EVALSHA sha1 1 <key>',
  'EXISTS <key>',
  'GET <key>',
  'HDEL <key> field',
  'HEXISTS <key> field',
  'HGET <key> field',
  'HGETALL <key>',
  'HINCRBY <key> field 1',
  'HLEN <key>',
  'HMGET <key> field',
  'HMSET <key> field value',
  'HSCAN <key> 0',
  'HSET <key> field value',
  'HSETNX <key> field value',
  'INCR <key>',
  'INCRBY <key> 1',
  'INFO',
  'LINDEX <key> 0',
  'LLEN <key>',
  'LPOP <key>',
  'LPOS <key> element',
  'LPUSH <key> element',
  'LRANGE <key> 0 1',
  'LREM <key> 1 element',
  'LTRIM <key> 0 1',
  'PERSIST <key>',
  'PEXPIRE <key> 1',
  'PING',
  'PTTL <key>',
  'PUBLISH <channel> message',
  'RENAMENX <key> <key>',
  'RPOP <key>',
  'RPOPLPUSH <key> <key>',
  'RPUSH <key> element',
  'SADD <key> member',
  'SCAN 0',
  'SCARD <key>',
  'SET <key> value',
  'SETNX <key> value',
  'SISMEMBER <key> member',
  'SMEMBERS <key>',
  'SREM <key> member',
  'SSCAN <key> 0',
  'SUBSCRIBE <channel>',
  'TIME',
  'TYPE <key>',
  'UNLINK <key>',
  'UNSUBSCRIBE channel',
  'WAIT 1 1',
  'XACK <key> group 1-1',
  'XADD <key> * field value',
  'XCLAIM <key> group consumer 0 1-1',
  'XGROUP DESTROY <key> group',
  'XGROUP CREATE <key> group $',
  'XGROUP DELCONSUMER <key> group consumer',
  'XINFO CONSUMERS <key> group',
  'XINFO GROUPS <key>',
  'XLEN <key>',
  'XPENDING <key> group - + 1',
  'XRANGE <key> - +',
  'XREAD STREAMS <key> 0',
  'XREADGROUP GROUP group consumer STREAMS <key> >',
  'XREVRANGE <key> + -',
  'XTRIM <key> MAXLEN 1',
  'ZADD <key> 1 member',
  'ZCARD <key>',
  'ZCOUNT <key> 0 1',
  'ZPOPMIN <key>',
  'ZRANGE <key> 0 1',
  'ZRANGEBYSCORE <key> 0 1',
  'ZREM <key> member',
  'ZREMRANGEBYRANK <key> 0 1',
  'ZREMRANGEBYSCORE <key> 0 1',
  'ZREVRANGE <key> 0 1',
  'ZREVRANGEBYSCORE <key> 1 0',
  'ZSCORE <key> member',
];

/** What is used where it is allowed, and what for. */
export const optionalCommands: Readonly<Record<string, string>> = {
  'SCRIPT LOAD script': 'scripts are known before their first call',
  MULTI: 'large batches go past Lua, and topics feed queues of jobs',
  EXEC: 'large batches go past Lua, and topics feed queues of jobs',
  'WATCH <key>': 'topics feed queues of jobs',
  'MGET <key>': 'topics feed queues of jobs',
  'CLIENT SETNAME name': 'connections have names in CLIENT LIST',
  'CLIENT ID': 'a consumer that waits is woken when it may read more',
  'CLIENT UNBLOCK 1': 'a consumer that waits is woken when it may read more',
  'SELECT 0': 'another database than 0',
  'LSET <key> 0 element': 'a board of jobs removes jobs that wait',
  'RENAME <key> <key>': 'a board of jobs pauses queues',
  'MEMORY USAGE <key>': 'the admin endpoints tell the memory of a partition',
  'CLUSTER SLOTS': 'a Redis Cluster',
  ASKING: 'a Redis Cluster whose slots are moved',
  'CONFIG GET maxmemory-policy': 'the advice at the start knows the settings',
  'CONFIG SET appendfsync always': 'the first append after a clean stop need not wait (Redis 7.0)',
  'WAITAOF 1 0 1': 'the first append after a clean stop need not wait',
  BGREWRITEAOF: 'the append-only file is rewritten when most of it is dead',
};

/** Commands whose second word is a command of its own. */
const containers = new Set([
  'ACL',
  'CLIENT',
  'CLUSTER',
  'CONFIG',
  'MEMORY',
  'SCRIPT',
  'XGROUP',
  'XINFO',
]);

/** Optional commands that only an administrator should be given, or that not all servers have. */
const leftOut = new Set(['CONFIG', 'BGREWRITEAOF', 'WAITAOF']);

/** Keys and channels of every kind that there is, to be checked in place of all others. */
export function samplesOf(prefix: string): {
  keys: readonly string[];
  channels: readonly string[];
} {
  return {
    keys: [
      `${prefix}{registry}:topics`,
      `${prefix}{topic/id/0}:log`,
      `${prefix}{group/id}:state`,
      `${prefix}{idempotency}:requests`,
      `${prefix}{reply/id}:replies`,
      `${prefix}{jobs}:housekeeping:wait`,
      `${prefix}{jobs/queue}:queue:wait`,
    ],
    channels: [
      `${prefix}{registry}:changes`,
      `${prefix}{topic/id/0}:wake`,
      `${prefix}{group/id}:changed`,
    ],
  };
}

/** The name of a command, as `HSET` or `SCRIPT|LOAD`. */
export function commandName(command: string): string {
  const [first = '', second = ''] = command.split(' ');
  return containers.has(first) ? `${first}|${second}` : first;
}

/** The command that gives a user just the rights that Sluice uses. */
export function aclLine(user: string, prefix: string): string {
  const optional = Object.keys(optionalCommands).filter((one) => !leftOut.has(one.split(' ')[0]!));
  const commands = [...neededCommands, ...optional].map(commandName);
  const rights = commands.map((name) => `+${name.toLowerCase()}`).join(' ');
  return `ACL SETUSER ${user} '~${prefix}*' '&${prefix}*' ${rights}`;
}
