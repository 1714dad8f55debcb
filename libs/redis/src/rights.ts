import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { RedisReplyError, RedisStartError, RedisUnavailable } from './errors';
import { aclLine, commandName, neededCommands, samplesOf } from './needs';
import { defineScript } from './script/script';

const checkRightsScript = defineScript({
  name: 'redis/check-rights',
  file: join(__dirname, 'scripts', 'check-rights.lua'),
  keys: [],
  args: ['commands…'],
  reply: { checked: { 'verdicts…': 'text' } },
});

/** For whom rights are checked. */
export interface RightsOf {
  /** The server's URL without its password. */
  label: string;
  /** As whom the connection has logged in; undefined is Redis' user `default`. */
  username: string | undefined;
  keyPrefix: string;
}

/** A command with one sample of a key or channel. */
interface Check {
  command: string;
  /** What the rights on it depend on beside the command; null: nothing. */
  sample: string | null;
}

/** What is not there. */
interface Lacks {
  /** Commands that the server has not, or under another name. */
  missing: string[];
  commands: string[];
  keys: string[];
  channels: string[];
}

/**
 * Asks Redis whether the user of a connection may do all that Sluice does. Redis answers for each
 * command, key and channel without running anything (redis.acl_check_cmd, since Redis 7.0).
 *
 * @throws RedisStartError 'rights' with what is lacking and the command that grants it
 * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
 */
export async function checkRights(redis: Redis, of: RightsOf): Promise<void> {
  const checks = neededCommands.flatMap((command) => checksOf(command, of.keyPrefix));
  const commands = checks.map(({ command, sample }) =>
    JSON.stringify(command.split(' ').map((word) => (/^<\w+>$/.test(word) ? sample : word))),
  );
  let verdicts: readonly string[];
  try {
    ({ verdicts } = await checkRightsScript.call(redis, {}, { commands }));
  } catch (error) {
    throw noScripts(error, of) ?? error;
  }
  const lacks = sortOut(checks, verdicts);
  if (Object.values(lacks).every((list: string[]) => list.length === 0)) return;
  throw new RedisStartError('rights', explain(lacks, of));
}

function checksOf(command: string, prefix: string): Check[] {
  const { keys, channels } = samplesOf(prefix);
  if (command.includes('<key>')) return keys.map((sample) => ({ command, sample }));
  if (command.includes('<channel>')) return channels.map((sample) => ({ command, sample }));
  return [{ command, sample: null }];
}

/** Redis says only yes or no: where all on a key is refused, it is the key, else the command. */
function sortOut(checks: readonly Check[], verdicts: readonly string[]): Lacks {
  const refused = checks.filter((_, index) => verdicts[index] === 'no');
  const samples = [...new Set(refused.map(({ sample }) => sample))];
  const closed = samples.filter((sample) => {
    if (sample === null) return false;
    return checks.every((check, index) => check.sample !== sample || verdicts[index] !== 'yes');
  });
  const isChannel = (sample: string): boolean =>
    checks.some((check) => check.sample === sample && check.command.includes('<channel>'));
  const names = (list: readonly Check[]): string[] => [
    ...new Set(list.map(({ command }) => commandName(command))),
  ];
  return {
    missing: names(checks.filter((_, index) => verdicts[index] === 'missing')),
    commands: names(refused.filter(({ sample }) => !closed.includes(sample))),
    keys: closed.filter((sample): sample is string => sample !== null && !isChannel(sample)),
    channels: closed.filter((sample): sample is string => sample !== null && isChannel(sample)),
  };
}

/** Without scripts nothing can be asked; and without them nothing goes. */
function noScripts(error: unknown, of: RightsOf): RedisStartError | null {
  const denied = error instanceof RedisUnavailable && error.reason === 'denied';
  const unknown = error instanceof RedisReplyError && /unknown command/.test(error.message);
  if (!denied && !unknown) return null;
  const name = /['‘`](evalsha|eval)\b/i.exec((error as Error).message)?.[1]?.toUpperCase();
  const command = [name ?? 'EVALSHA'];
  const lacks: Lacks = { missing: [], commands: [], keys: [], channels: [] };
  const text = explain(
    { ...lacks, ...(denied ? { commands: command } : { missing: command }) },
    of,
  );
  return new RedisStartError('rights', text, { cause: error });
}

function explain({ missing, commands, keys, channels }: Lacks, of: RightsOf): string {
  const { label, username = 'default', keyPrefix } = of;
  const lines = [`Redis at ${label} cannot be used.`];
  if (missing.length > 0) {
    lines.push(
      `It does not have these commands, or has them under other names: ${missing.join(' ')}.`,
      'Sluice needs them as they are: look for rename-command in redis.conf.',
    );
  }
  if (commands.length + keys.length + channels.length > 0) {
    lines.push(`Its user "${username}" lacks rights that Sluice needs:`);
    if (commands.length > 0) lines.push(`  commands  ${commands.join(' ')}`);
    if (keys.length > 0) lines.push(`  keys      ${keyPrefix}*, such as ${keys[0]}`);
    if (channels.length > 0) lines.push(`  channels  ${keyPrefix}*, such as ${channels[0]}`);
    lines.push(
      'Let an administrator of that Redis give them with:',
      `  ${aclLine(username, keyPrefix)}`,
    );
  }
  return lines.join('\n');
}
