import { askRedis } from './ask-redis';
import { eventually } from './eventually';

/** Where a server is asked past everything that is tested. */
interface Server {
  host: string;
  port: number;
}

/**
 * For the servers of a Redis Cluster: without it none is promoted that was kept from its primary
 * for half a minute, which a busy machine may take for what a test does meanwhile.
 */
export const oldReplicasMayTakeOver = ['--cluster-replica-validity-factor', '0'] as const;

/**
 * Keeps replicas from their primary, so that what it is given from now on is lost once one of them
 * is promoted. All keep running: the replicas offer a password that nobody has.
 */
export async function cutReplicas(primary: Server, replicas: readonly Server[]): Promise<void> {
  for (const replica of replicas) await askRedis(replica, 'CONFIG SET masterauth nobody');
  await askRedis(primary, 'CLIENT KILL TYPE replica');
  for (const replica of replicas) {
    const isCut = async (): Promise<boolean> =>
      (await askRedis(replica, 'INFO replication')).includes('master_link_status:down');
    await eventually(isCut, { what: 'a replica without its primary' });
  }
}

/** They may follow whoever is the primary then. */
export async function joinReplicas(replicas: readonly Server[]): Promise<void> {
  for (const replica of replicas) await askRedis(replica, 'CONFIG SET masterauth ""');
}
