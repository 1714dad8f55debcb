import type { Type } from '@nestjs/common';
import { BrokersController } from './brokers/brokers.controller';
import { ClusterController } from './brokers/cluster.controller';
import { BullBoardController } from './bull-board/bull-board.controller';
import { GroupsController } from './consumer-groups/groups.controller';
import { HealthController } from './health/health.controller';
import { MetricsController } from './health/metrics.controller';
import { QueuesController } from './housekeeping-runs/queues.controller';
import { RetentionController } from './housekeeping-runs/retention.controller';
import { DocsController } from './openapi/docs.controller';
import { PartitionsController } from './partitions/partitions.controller';
import { RecordsController } from './topic-records/records.controller';
import { TopicConfigsController } from './topics/configs.controller';
import { TopicsController } from './topics/topics.controller';

/**
 * Every controller. To add one: a file `<things>/<things>.controller.ts`, whose methods are
 * `@Endpoint(method, path, { role, summary, … })` (http/endpoint.ts) and which takes
 * `@Inject(ADMIN_PARTS) parts: AdminParts`; classes with `@field.…` (http/fields.ts) for what is
 * sent and answered; a row here. It calls libs/broker, libs/groups and libs/log and decides nothing
 * itself. What cannot be done is a thrown `Problem` (http/problems.ts), or the libraries' own
 * errors, which http/problem-of-error.ts translates. What answers for long ends at
 * `parts.door.stopping`. Then `npm run docs`.
 */
export const adminControllers: readonly Type[] = [
  TopicsController,
  TopicConfigsController,
  PartitionsController,
  RecordsController,
  GroupsController,
  RetentionController,
  QueuesController,
  BullBoardController,
  BrokersController,
  ClusterController,
  HealthController,
  MetricsController,
  DocsController,
];

/** Those of a worker, which is no gateway. */
export const workerControllers: readonly Type[] = [HealthController, MetricsController];
