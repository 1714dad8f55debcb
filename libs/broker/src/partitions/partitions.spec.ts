import { MemoryBudget, silentLogger, silentMetrics } from '@sluice/base';
import { SingleGateway } from '@sluice/test/support/single-gateway';
import type { PartitionStore } from '@sluice/log';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { HotMemory } from './hot-memory';
import { Partitions } from './partitions';
import { TrafficMeter } from './traffic-meter';

test('a deleted topic has no numbers any more, though its partitions were idle', () => {
  const traffic = new TrafficMeter(silentMetrics);
  const forgotten = jest.spyOn(traffic, 'forget');
  const partitions = new Partitions({
    store: {} as PartitionStore,
    cluster: new SingleGateway({ id: 1, rack: null, version: '1.2.3' }),
    clock: new FakeClock(),
    hotMemory: new HotMemory(1024),
    readAheadBudget: new MemoryBudget(1024),
    replicationTimeoutMs: 100,
    confirmationOf: () => null,
    log: silentLogger,
    traffic,
    appendTrouble: { note: () => {} },
  });
  partitions.drop({ id: 'idle', name: 'orders' });
  expect(forgotten.mock.calls).toEqual([['orders']]);
});
