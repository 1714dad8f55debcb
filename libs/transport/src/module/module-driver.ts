import { Logger as NestLogger } from '@nestjs/common';
import type { StreamsDriver } from '../driver';
import { nestLogger } from '../nest-logger';
import { RedisStreams } from '../redis-streams';
import { StreamsServer } from '../server/streams-server';
import type { StreamsModuleOptions } from './module-options';

/** The driver that the options ask for, not connected yet. */
export function driverOf(options: StreamsModuleOptions): StreamsDriver {
  if (options.driver !== undefined) return options.driver;
  const { connection, clock, metrics } = options;
  const log = options.log ?? nestLogger(new NestLogger('Streams'));
  return new RedisStreams(connection, { clock, log, metrics });
}

/** The server that the options ask for; it does nothing before it listens. */
export function serverOf(
  { server = {}, clock, log, metrics }: StreamsModuleOptions,
  driver: StreamsDriver,
): StreamsServer | null {
  return server === false ? null : new StreamsServer({ ...server, driver, clock, log, metrics });
}
