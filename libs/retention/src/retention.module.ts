import { Global, Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import { CLOCK, LOGGER, METRICS, RANDOM } from '@sluice/base/base.module';
import { PartitionStore, TopicCatalog } from '@sluice/log';
import { RedisLink } from '@sluice/redis';
import { Housekeeping } from './housekeeping';
import type { HousekeepingOptions } from './options';

/** Nest's token for `HousekeepingOptions`, which the app provides to all modules. */
export const HOUSEKEEPING_OPTIONS = Symbol('HousekeepingOptions');

/** Where the housekeeping finds what it works with. */
export interface RetentionModuleParts {
  /** Modules that have RedisLink, TopicCatalog and PartitionStore, and what is in `after`. */
  imports: NonNullable<ModuleMetadata['imports']>;
  /** What has to be made, and so started, before it. */
  after?: (abstract new (...args: never[]) => unknown)[];
}

/** The retention worker, and what is asked of it. One in a process, known to all modules. */
@Global()
@Module({})
export class RetentionModule {
  static of({ imports, after = [] }: RetentionModuleParts): DynamicModule {
    const inject = [
      HOUSEKEEPING_OPTIONS,
      RedisLink,
      TopicCatalog,
      PartitionStore,
      CLOCK,
      RANDOM,
      LOGGER,
      METRICS,
      Lifecycle,
      ...after,
    ];
    const provider = { provide: Housekeeping, inject, useFactory: ownHousekeeping };
    return { module: RetentionModule, imports, providers: [provider], exports: [Housekeeping] };
  }
}

function ownHousekeeping(
  options: HousekeepingOptions,
  redis: RedisLink,
  catalog: TopicCatalog,
  store: PartitionStore,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  lifecycle: Lifecycle,
): Housekeeping {
  const parts = { options, redis, catalog, store, clock, random, log, metrics };
  const housekeeping = new Housekeeping(parts);
  lifecycle.own({
    name: 'the housekeeping',
    start: () => housekeeping.start(),
    stop: () => housekeeping.stop(),
  });
  return housekeeping;
}
