import { Logger as NestLogger } from '@nestjs/common';
import type { StreamsDriver } from '../driver';
import { nestLogger } from '../nest-logger';
import { RedisStreams } from '../redis-streams';
import type { StreamsModuleOptions } from './module-options';

/** What a module stands on. */
export type ModuleDriver = Omit<StreamsDriver, 'createConsumer'>;

/** The driver that the options ask for, not connected yet. */
export function driverOf(options: StreamsModuleOptions): ModuleDriver {
  if (options.driver !== undefined) return options.driver;
  const { clock, metrics, log = nestLogger(new NestLogger('Streams')) } = options;
  return new RedisStreams(options, { ...(clock && { clock }), ...(metrics && { metrics }), log });
}
