import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '@sluice/base';
import { Settings } from './config/settings';
import { Gateway, LOGGER } from './gateway';

/** The gateway process as a Nest application. */
@Module({})
export class GatewayModule {
  static of(settings: Settings, log: Logger): DynamicModule {
    return {
      module: GatewayModule,
      providers: [
        { provide: Settings, useValue: settings },
        { provide: LOGGER, useValue: log },
        Gateway,
      ],
    };
  }
}
