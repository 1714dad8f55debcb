import {
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Lifecycle } from '@sluice/base';
import { BaseModule, type BasePorts } from '@sluice/base/base.module';

/**
 * Ties the parts' order of start and stop to Nest's hooks. Nest itself calls no hook when a start
 * has failed, so whoever starts the app has to stop the lifecycle then; `runProgram` does.
 */
@Injectable()
class LifecycleHooks implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly lifecycle: Lifecycle) {}

  onApplicationBootstrap(): Promise<void> {
    return this.lifecycle.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.lifecycle.stop();
  }
}

/** What every app of Sluice begins with: the ports, and the order of start and stop. */
@Module({})
export class ProcessModule {
  static of(ports: BasePorts): DynamicModule {
    return {
      module: ProcessModule,
      imports: [BaseModule.of(ports)],
      providers: [LifecycleHooks],
    };
  }
}
