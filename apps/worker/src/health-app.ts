import type { INestApplicationContext } from '@nestjs/common';
import { AdminDoor } from '@sluice/admin';
import { openHealth } from '@sluice/admin/admin.module';
import type { MetricsText } from '@sluice/base';
import type { BasePorts } from '@sluice/base/base.module';
import { nestLogger } from '@sluice/process';
import { RedisLink } from '@sluice/redis';
import { Housekeeping } from '@sluice/retention';
import type { WorkerSettings } from './settings';

/** Lets a worker that has been started answer for its health and its metrics. */
export async function openWorkerHealth(
  app: Pick<INestApplicationContext, 'get'>,
  settings: WorkerSettings,
  ports: BasePorts & { metricsText: MetricsText },
): Promise<void> {
  const anywhere = { strict: false };
  await openHealth(
    {
      ...ports,
      options: {
        host: settings.adminHost,
        port: settings.adminPort,
        keys: settings.adminKeys,
        requestsPerSecond: settings.adminRequestsPerSecond,
      },
      door: app.get(AdminDoor, anywhere),
      redis: app.get(RedisLink, anywhere),
      housekeeping: app.get(Housekeeping, anywhere),
    },
    nestLogger(ports.log),
  );
}
