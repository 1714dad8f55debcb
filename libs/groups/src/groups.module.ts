import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import { CLOCK, LOGGER, METRICS, RANDOM } from '@sluice/base/base.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import { GroupCoordinator } from './coordinator/coordinator';
import type { GroupLimits } from './limits';

/** Nest's token for `Partial<GroupLimits>`, which the app provides to all modules. */
export const GROUP_LIMITS = Symbol('GroupLimits');

/** Consumer groups. */
@Module({
  imports: [RedisModule],
  providers: [
    {
      provide: GroupCoordinator,
      inject: [RedisLink, CLOCK, RANDOM, LOGGER, METRICS, GROUP_LIMITS, Lifecycle],
      useFactory: ownCoordinator,
    },
  ],
  exports: [GroupCoordinator],
})
export class GroupsModule {}

function ownCoordinator(
  redis: RedisLink,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  limits: Partial<GroupLimits>,
  lifecycle: Lifecycle,
): GroupCoordinator {
  const groups = new GroupCoordinator({ redis, clock, random, log, metrics, limits });
  lifecycle.own({
    name: 'the consumer groups',
    start: () => groups.start(),
    stop: () => groups.stop(),
  });
  return groups;
}
