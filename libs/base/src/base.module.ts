import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Clock } from './clock';
import { Lifecycle } from './lifecycle';
import type { Logger } from './logger';
import type { Metrics, MetricsText } from './metrics';
import type { Random } from './random';

/** Nest's tokens for what has no class of its own. */
export const CLOCK = Symbol('Clock');
export const LOGGER = Symbol('Logger');
export const METRICS = Symbol('Metrics');
export const METRICS_TEXT = Symbol('MetricsText');
export const RANDOM = Symbol('Random');

/** What every part of a process needs from outside, and the order in which they start and stop. */
export interface BasePorts {
  clock: Clock;
  log: Logger;
  metrics: Metrics & MetricsText;
  random: Random;
  lifecycle: Lifecycle;
}

/** Makes the ports known to all modules. */
@Global()
@Module({})
export class BaseModule {
  static of({ clock, log, metrics, random, lifecycle }: BasePorts): DynamicModule {
    const providers = [
      { provide: CLOCK, useValue: clock },
      { provide: LOGGER, useValue: log },
      { provide: METRICS, useValue: metrics },
      { provide: METRICS_TEXT, useValue: metrics },
      { provide: RANDOM, useValue: random },
      { provide: Lifecycle, useValue: lifecycle },
    ];
    return { module: BaseModule, providers, exports: providers };
  }
}
