import { silentLogger, systemClock } from '@sluice/base';
import type { ClusterOutcome } from '@sluice/cluster';
import { RedisUnavailable } from '@sluice/redis';
import { ErrorCode } from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { createTopics } from './19-create-topics';
import { createPartitions } from './37-create-partitions';

/**
 * Replicas are assigned once the partitions are there. Where that fails then, what was made stays,
 * and the client is told so; not with an error upon which it would ask for the same once more.
 */
const terms = { timeoutMs: 1_000, validateOnly: false };
const before = { name: 'orders', id: 'id', partitions: 1, configs: {}, createdAtMs: 0 };
const failures: [string, () => Promise<ClusterOutcome>][] = [
  ['another became the controller', async () => 'not-controller'],
  ['Redis went', () => Promise.reject(new RedisUnavailable('disconnected', 'Redis is away'))],
];

function contextOf(assignReplicas: () => Promise<ClusterOutcome>): RequestContext {
  const brokers = [1, 2].map((id) => ({ id, host: 'h', port: id, rack: null, version: '1' }));
  const cluster = {
    selfId: 1,
    controllerId: 1,
    brokers: () => brokers,
    untilPlaced: async () => true,
    assignReplicas,
  };
  const catalog = {
    byName: () => before,
    create: async () => ({ created: before }),
    addPartitions: async () => ({ updated: { ...before, partitions: 2 } }),
  };
  const services = { cluster, catalog, clock: systemClock, log: silentLogger, options: {} };
  return { services, apiVersion: 3 } as unknown as RequestContext;
}

it.each(failures)('a topic that was created is told to be there: %s', async (_, assign) => {
  const assignments = [{ partitionIndex: 0, brokerIds: [2] }];
  const unset = { numPartitions: -1, replicationFactor: -1, configs: [] };
  const topics = [{ name: 'orders', ...unset, assignments }];
  const answer = await createTopics.run(contextOf(assign), { ...terms, topics });
  expect(answer).toMatchObject({
    topics: [
      {
        errorCode: ErrorCode.REQUEST_TIMED_OUT,
        errorMessage: expect.stringMatching(/^The topic was created, but /),
      },
    ],
  });
  expect(JSON.stringify(answer)).not.toContain('Nothing was changed');
});

it.each(failures)('partitions that were added are told to be there: %s', async (_, assign) => {
  const topics = [{ name: 'orders', count: 2, assignments: [{ brokerIds: [2] }] }];
  const answer = await createPartitions.run(contextOf(assign), { ...terms, topics });
  expect(answer).toMatchObject({
    results: [
      {
        errorCode: ErrorCode.REQUEST_TIMED_OUT,
        errorMessage: expect.stringMatching(/^The partitions were added, but /),
      },
    ],
  });
  expect(JSON.stringify(answer)).not.toContain('Nothing was changed');
});
