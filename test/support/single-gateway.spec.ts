import { SingleGateway } from './single-gateway';

const topic = {
  name: 'orders',
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  partitions: 3,
  configs: {},
  createdAtMs: 0,
};

it('leads and coordinates everything, and is told of where it is once it has joined', async () => {
  const cluster = new SingleGateway({ id: 7, rack: null, version: '1.2.3' });
  expect(cluster.brokers()).toEqual([]);
  await cluster.join({ host: 'here', port: 9092 });
  expect(cluster.brokers()).toEqual([
    { id: 7, rack: null, version: '1.2.3', host: 'here', port: 9092 },
  ]);
  expect([cluster.selfId, cluster.controllerId, cluster.coordinatorOf()]).toEqual([7, 7, 7]);
  const placement = { leaderId: 7, leadership: -1, replicas: [7] };
  expect(cluster.placementsOf(topic)).toEqual([placement, placement, placement]);
});

it('takes no replicas but itself', async () => {
  const cluster = new SingleGateway({ id: 7, rack: null, version: '1.2.3' });
  expect(await cluster.assignReplicas(topic, new Map([[0, [7]]]))).toBe('done');
  expect(await cluster.assignReplicas(topic, new Map([[0, [7, 8]]]))).toBe('invalid-replicas');
  expect(await cluster.assignReplicas(topic, new Map([[0, []]]))).toBe('invalid-replicas');
});
