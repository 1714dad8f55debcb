import {
  Module,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { STREAMS_DRIVER } from '@sluice/transport';
import { JobMethods } from './job-methods';
import {
  STREAM_JOBS_GROUND,
  STREAM_JOBS_OPTIONS,
  StreamJobs,
  type StreamJobsOptions,
} from './stream-jobs';

/** `StreamJobsOptions`, and where Nest finds what the jobs stand on. */
export interface StreamJobsModuleOptions extends StreamJobsOptions {
  /** Modules that export `ground`, unless that is global. */
  imports?: ModuleMetadata['imports'];
  /** Nest's token of a `StreamJobsGround`. Default: what `StreamsModule` has. */
  ground?: InjectionToken;
}

/** Makes jobs of records, for the methods of the application that have `@StreamJob`. */
@Module({})
export class StreamJobsModule {
  static forRoot(given: StreamJobsModuleOptions = {}): DynamicModule {
    const { imports = [], ground = STREAMS_DRIVER, ...options } = given;
    return {
      module: StreamJobsModule,
      imports: [DiscoveryModule, ...imports],
      providers: [
        { provide: STREAM_JOBS_GROUND, useExisting: ground },
        { provide: STREAM_JOBS_OPTIONS, useValue: options },
        JobMethods,
        StreamJobs,
      ],
      exports: [StreamJobs],
    };
  }
}
