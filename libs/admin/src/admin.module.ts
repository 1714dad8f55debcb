import {
  Module,
  VersioningType,
  type DynamicModule,
  type LoggerService,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { TerminusModule } from '@nestjs/terminus';
import type { AdminParts, DoorParts } from './admin-parts';
import { adminControllers, workerControllers } from './controllers';
import { CheckingPipe } from './http/checking.pipe';
import { EndpointGuard } from './http/endpoint.guard';
import { ProblemFilter } from './http/problem.filter';
import { ApiDocument, describeApi } from './openapi/api-document';
import { Bodies } from './server/bodies';
import { DoorAdapter } from './server/door-adapter';
import { Front } from './server/front';
import { RouteTable } from './server/route-table';
import { ADMIN_PARTS } from './tokens';

/** The HTTP endpoints of a process, on its parts. */
@Module({})
export class AdminModule {
  static of(parts: DoorParts, controllers: readonly Type[]): DynamicModule {
    return {
      module: AdminModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [...controllers],
      providers: [
        { provide: ADMIN_PARTS, useValue: parts },
        RouteTable,
        Bodies,
        ApiDocument,
        { provide: APP_GUARD, useClass: EndpointGuard },
        { provide: APP_PIPE, useClass: CheckingPipe },
        {
          provide: APP_FILTER,
          inject: [RouteTable],
          useFactory: (routes: RouteTable) => new ProblemFilter(routes, parts.log),
        },
      ],
    };
  }
}

/**
 * Makes the endpoints of a gateway, and lets them answer at the door. They end with the lifecycle,
 * before what they are made on.
 */
export async function openAdmin(parts: AdminParts, logger: LoggerService): Promise<void> {
  await open(parts, adminControllers, logger, (app) => {
    app.get(ApiDocument).of(app, { version: parts.version, controllers: adminControllers });
  });
}

/** Makes what a process without a gateway serves, health and metrics; see `openAdmin`. */
export async function openHealth(parts: DoorParts, logger: LoggerService): Promise<void> {
  await open(parts, workerControllers, logger, () => {});
}

async function open(
  parts: DoorParts,
  controllers: readonly Type[],
  logger: LoggerService,
  made: (app: NestExpressApplication) => void,
): Promise<void> {
  const { door, lifecycle, log, options } = parts;
  const adapter = new DoorAdapter(door);
  const module = AdminModule.of(parts, controllers);
  const app = await NestFactory.create<NestExpressApplication>(module, adapter, {
    logger,
    abortOnError: false,
    bodyParser: false,
  });
  app.enableVersioning({ type: VersioningType.URI });
  app.use(new Front(parts).admit);
  await app.init();
  made(app);
  lifecycle.own({ name: 'the admin endpoints', stop: () => app.close() });
  door.serve(adapter.getInstance<Parameters<typeof door.serve>[0]>());
  log.info('listening for admin requests', { host: options.host, port: door.port });
}

/** The OpenAPI document of the endpoints, without a gateway. */
export async function describeAdmin(version: string): Promise<object> {
  const parts = {} as Partial<AdminParts> as AdminParts;
  const app = await NestFactory.create(AdminModule.of(parts, adminControllers), {
    logger: false,
  });
  app.enableVersioning({ type: VersioningType.URI });
  return describeApi(app, { version, controllers: adminControllers });
}
