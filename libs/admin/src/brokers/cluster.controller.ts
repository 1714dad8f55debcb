import { Controller, Inject } from '@nestjs/common';
import type { RedisLink } from '@sluice/redis';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { problemOfError } from '../http/problem-of-error';
import { ADMIN_PARTS } from '../tokens';
import { ClusterView, type RedisView } from './broker.views';

/** The whole. */
@Controller({ path: 'cluster', version: '1' })
export class ClusterController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'Describe the cluster',
    about: 'It is answered while Redis is away too; what only Redis knows is then null.',
    answers: () => ClusterView,
  })
  async describeCluster(): Promise<ClusterView> {
    const { catalog, clusterId: id, version, broker, redis } = this.parts;
    const { cluster } = broker.services;
    const topics = catalog.list();
    return {
      id,
      controller: cluster.controllerId === -1 ? null : cluster.controllerId,
      brokers: cluster.brokers().length,
      topics: topics.length,
      partitions: topics.reduce((sum, { partitions }) => sum + partitions, 0),
      version,
      redis: await redisView(redis),
    };
  }
}

async function redisView(redis: RedisLink): Promise<RedisView> {
  const [replicas, memory] = await Promise.all([
    orNull(redis.replicaCount()),
    orNull(redis.memory()),
  ]);
  const { connected, product, version, persistence, runId, replicationId } = redis.status();
  const about = { connected, product, version, role: 'primary', replicas, persistence, memory };
  return { ...about, runId, replicationId };
}

/** Null where Redis cannot be asked. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (problemOfError(error) === undefined) throw error;
    return null;
  }
}
