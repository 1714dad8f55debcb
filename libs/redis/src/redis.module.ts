import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics } from '@sluice/base';
import { CLOCK, LOGGER, METRICS } from '@sluice/base/base.module';
import { RedisLink } from './link';
import type { RedisOptions } from './options';

/** Nest's token for `RedisOptions`, which the app provides to all modules. */
export const REDIS_OPTIONS = Symbol('RedisOptions');

/** The connections to Redis: there, checked and owned before anything else is made. */
@Module({
  providers: [
    {
      provide: RedisLink,
      inject: [REDIS_OPTIONS, LOGGER, CLOCK, METRICS, Lifecycle],
      useFactory: connect,
    },
  ],
  exports: [RedisLink],
})
export class RedisModule {}

async function connect(
  options: RedisOptions,
  log: Logger,
  clock: Clock,
  metrics: Metrics,
  lifecycle: Lifecycle,
): Promise<RedisLink> {
  const link = await RedisLink.connect(options, { log, clock, metrics });
  lifecycle.own({ name: 'the connections to Redis', stop: () => link.close() });
  return link;
}
