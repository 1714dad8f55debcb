import type { Abstract, INestApplicationContext, Type } from '@nestjs/common';
import { AdminDoor } from '@sluice/admin';
import { openAdmin } from '@sluice/admin/admin.module';
import type { MetricsText } from '@sluice/base';
import type { BasePorts } from '@sluice/base/base.module';
import { Broker } from '@sluice/broker';
import { GroupCoordinator } from '@sluice/groups';
import { PartitionStore, TopicCatalog } from '@sluice/log';
import { CLUSTER_ID } from '@sluice/log/log.module';
import { nestLogger, projectVersion } from '@sluice/process';
import { RedisLink } from '@sluice/redis';
import { Housekeeping } from '@sluice/retention';
import type { GatewaySettings } from './settings';

/** Lets the admin endpoints answer, on the parts of a gateway that has been started. */
export async function openGatewayAdmin(
  app: Pick<INestApplicationContext, 'get'>,
  settings: GatewaySettings,
  ports: BasePorts & { metricsText: MetricsText | null },
): Promise<void> {
  const part = <T>(token: string | symbol | Type<T> | Abstract<T>): T =>
    app.get<T>(token, { strict: false });
  await openAdmin(
    {
      ...ports,
      options: {
        host: settings.adminHost,
        port: settings.adminPort,
        keys: settings.adminKeys,
        requestsPerSecond: settings.adminRequestsPerSecond,
      },
      door: part(AdminDoor),
      redis: part(RedisLink),
      catalog: part(TopicCatalog),
      store: part(PartitionStore),
      groups: part(GroupCoordinator),
      housekeeping: part(Housekeeping),
      broker: part(Broker),
      clusterId: part<string>(CLUSTER_ID),
      version: projectVersion(),
    },
    nestLogger(ports.log),
  );
}
