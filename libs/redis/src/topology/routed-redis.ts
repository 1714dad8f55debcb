import { Redis, type Command } from 'ioredis';
import { keyOf } from './command-key';

/** Which connections of the shards are meant. */
export type RoutedRole = 'write' | 'durable' | 'read' | 'entries';

/** Sends commands to where they belong. */
export interface Router {
  /** Sends a command that belongs to a key to the shard that has it. */
  send(command: Command, key: string | Buffer, role: RoutedRole): void;
  /** The connection to the shard that has a key. */
  connection(key: string, role: RoutedRole): Redis;
}

const routes = new WeakMap<Redis, { router: Router; role: RoutedRole }>();

/**
 * Stands for one connection of each shard: each command goes to the shard of its key. Commands
 * that belong to one server are refused; see `connectionOf`.
 */
export function routedRedis(router: Router, role: RoutedRole): Redis {
  const sendCommand = (command: Command): unknown => {
    const key = keyOf(command);
    if (key !== null) router.send(command, key, role);
    else command.reject(new Error(`${command.name} belongs to one server, and not to a cluster`));
    return command.promise;
  };
  // ioredis' methods of commands call `sendCommand` of what they are called on.
  const redis = Object.create(Redis.prototype) as Redis;
  // Of a shard that is not there, its own connection says so.
  Object.assign(redis, { options: {}, status: 'ready', sendCommand });
  routes.set(redis, { router, role });
  return redis;
}

/**
 * The one connection over which commands on a key go, for those that belong together: a
 * transaction, or a WAIT. It is the connection itself where there is one server.
 */
export function connectionOf(redis: Redis, key: string): Redis {
  const route = routes.get(redis);
  return route === undefined ? redis : route.router.connection(key, route.role);
}
