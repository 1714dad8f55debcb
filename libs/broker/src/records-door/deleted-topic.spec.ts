import { MemoryBudget, silentLogger, silentMetrics, systemClock } from '@sluice/base';
import type { AppendBatch, AppendDone } from '@sluice/log';
import { AppendLines } from '../examiner/append-lines';
import { Examiner } from '../examiner/examiner';
import type { DoorServices } from './door-services';
import { produceRecords } from './produce-records';

const topic = { name: 'orders', id: 'id', partitions: 1, configs: {}, createdAtMs: 0 };
const parts = { clock: systemClock, log: silentLogger, metrics: silentMetrics };

/**
 * What waits for its turn when the topic is deleted is refused as where another leads, and this
 * door needs no leader. The log would still take it, until its keys are removed.
 */
it('writes nothing more to a topic that is deleted while it waits', async () => {
  let isThere = true;
  let appends = 0;
  const append = (_: AppendBatch, _asked: unknown, done: AppendDone): void => {
    appends++;
    isThere = false;
    done({ refused: 'fenced-leader' }, null);
  };
  const services = {
    ...parts,
    catalog: { byName: () => topic, byId: () => (isThere ? topic : undefined) },
    partitions: { open: () => ({ append }) },
    produceBudget: new MemoryBudget(1_000_000),
    examiner: new Examiner(parts),
    lines: new AppendLines(),
  } as unknown as DoorServices;
  const terms = { acks: 'all', compression: 'none' } as const;
  const request = { topic: 'orders', records: [{ value: 'x' }], ...terms };
  const { records } = await produceRecords(services, request, 0);
  await services.examiner.stop();
  expect(records).toMatchObject([{ error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } }]);
  expect(appends).toBe(1);
});
