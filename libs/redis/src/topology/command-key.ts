import type { Command } from 'ioredis';

/** Commands whose first argument is no key, and that belong to one server. */
const ofServers = new Set(
  ['info', 'config', 'client', 'script', 'ping', 'time', 'scan', 'wait', 'waitaof', 'acl'].concat([
    'multi',
    'exec',
    'watch',
    'bgrewriteaof',
    'select',
    'role',
    'replicaof',
    'debug',
    'call',
  ]),
);

/**
 * The key, or channel, that says where a command has to go. All keys of one command have the same
 * slot: everything that one script touches has the same part in braces.
 *
 * @returns null where it belongs to one server, and not to a key
 */
export function keyOf({ name, args }: Command): string | Buffer | null {
  switch (name) {
    case 'eval':
    case 'evalsha':
      return Number(args[1]) > 0 ? (args[2] as string) : null;
    case 'memory':
    case 'xinfo':
    case 'xgroup':
      return args[1] as string;
    case 'xread':
    case 'xreadgroup': {
      const streams = args.findIndex((one) => String(one).toUpperCase() === 'STREAMS');
      return args[streams + 1] as string;
    }
    default:
      return ofServers.has(name) ? null : ((args[0] as string | undefined) ?? null);
  }
}
