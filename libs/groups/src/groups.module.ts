import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import { CLOCK, LOGGER, METRICS, RANDOM } from '@sluice/base/base.module';
import type { Cluster } from '@sluice/cluster';
import { CLUSTER, ClusterModule } from '@sluice/cluster/cluster.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import { GroupCoordinator } from './coordinator/coordinator';
import type { GroupLimits } from './limits';

/** Nest's token for `Partial<GroupLimits>`, which the app provides to all modules. */
export const GROUP_LIMITS = Symbol('GroupLimits');

/** Consumer groups. */
@Module({
  imports: [RedisModule, ClusterModule],
  providers: [
    {
      provide: GroupCoordinator,
      inject: [RedisLink, CLUSTER, CLOCK, RANDOM, LOGGER, METRICS, GROUP_LIMITS, Lifecycle],
      useFactory: ownCoordinator,
    },
  ],
  exports: [GroupCoordinator],
})
export class GroupsModule {}

function ownCoordinator(
  redis: RedisLink,
  cluster: Cluster,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  limits: Partial<GroupLimits>,
  lifecycle: Lifecycle,
): GroupCoordinator {
  const deps = { redis, cluster, clock, random, log, metrics, limits };
  const groups = new GroupCoordinator(deps);
  lifecycle.own({
    name: 'the consumer groups',
    start: () => groups.start(),
    stop: () => groups.stop(),
  });
  return groups;
}
