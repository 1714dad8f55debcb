import type { StreamHandlerOptions } from '@sluice/transport';
import { eventually } from '../support/eventually';
import { sharedRedis, startRedis, type TestRedis } from '../support/redis';
import { disorderOf, repeatsOf } from '../support/trouble/notes';
import { TroubleBench } from '../support/trouble/trouble-bench';

const keys = Array.from({ length: 24 }, (_, index) => `key-${index}`);
const soon: StreamHandlerOptions = { retry: { attempts: 3, backoff: { delayMs: 20 } } };

let own: TestRedis | null = null;
let bench: TroubleBench;

async function open(partitions: number): Promise<TroubleBench> {
  bench = await TroubleBench.open(partitions, own ?? undefined);
  return bench;
}

afterEach(async () => {
  await bench.close();
  await own?.stop();
  own = null;
});
afterAll(async () => (await sharedRedis()).stop());

test('handlers that throw and hang keep the order; what never can is a dead letter', async () => {
  await open(2);
  const [one] = await bench.members(['one'], { handler: { ...soon, handlerTimeoutMs: 2_000 } });
  await bench.round(keys);
  await bench.round(['key-0', 'key-1'], { does: 'throw' });
  await bench.round(keys);
  await bench.round(['key-2'], { does: 'hang' });
  await bench.round(keys);
  await bench.round(['key-3'], { does: 'fail' });
  const failing = bench.sent.pop()!;
  await bench.round(keys);
  const notes = await bench.allHandled();
  expect(await bench.heard('aborted')).toBe('1');
  expect(disorderOf(notes, 'partition')).toEqual([]);
  expect(repeatsOf(notes)).toEqual([]);
  const isFailing = ({ key, seq }: { key: string; seq: number }): boolean =>
    key === failing.key && seq === failing.seq;
  expect(notes.some(isFailing)).toBe(false);
  expect(await bench.endOf(`${bench.topic}.dlq`)).toEqual([1]);
  await one!.end('SIGTERM');
});

test('a topic is trimmed, grows, is deleted and made again under its readers', async () => {
  await open(3);
  const members = await bench.members(['a', 'b'], { inFlightRecordsMax: 20 });
  const { catalog, store } = await bench.connection.connect();
  for (let round = 0; round < 20; round++) await bench.round(keys, { workMs: 10 });
  await bench.noted(1);
  const { id } = catalog.byName(bench.topic)!;
  const ends = await bench.endOf(bench.topic);
  for (const [partition, end] of ends.entries()) {
    const ref = { topic: bench.topic, topicId: id, partition };
    await store.deleteRecords(ref, end - 10);
  }
  bench.forget(({ partition, offset }) => offset < ends[partition]! - 10);
  await catalog.addPartitions(bench.topic, 6);
  const stopLoad = bench.load(keys);
  await eventually(async () => (await bench.notes()).some(({ partition }) => partition >= 3));
  await stopLoad();
  // A key may be in another partition now, so the order of keys has begun anew.
  expect(disorderOf(await bench.allHandled(), 'partition')).toEqual([]);

  for (let round = 0; round < 10; round++) await bench.round(keys, { workMs: 20 });
  await catalog.delete(bench.topic);
  bench.forget(() => true);
  bench.life = 2;
  await bench.createTopic(3);
  for (let round = 0; round < 10; round++) await bench.round(keys);
  const second = (await bench.allHandled()).filter(({ life }) => life === 2);
  expect(disorderOf(second, 'partition')).toEqual([]);
  expect(disorderOf(second, 'key')).toEqual([]);
  expect(repeatsOf(second)).toEqual([]);
  await Promise.all(members.map((one) => one.end('SIGTERM')));
});

test('a clean stop under load, with several lanes: each record once', async () => {
  await open(3);
  const handler = { concurrency: 8 };
  const [a] = await bench.members(['a', 'b'], { handler });
  const slow = bench.load(keys.slice(0, 6), { workMs: 200 }, 250);
  const quick = bench.load(keys.slice(6), { workMs: 1 });
  await bench.noted(100, 'a');
  expect(await a!.end('SIGTERM')).toBe('SIGTERM');
  await bench.noted((await bench.notes()).length + 100);
  await Promise.all([slow(), quick()]);
  const notes = await bench.allHandled();
  expect(repeatsOf(notes)).toEqual([]);
  expect(disorderOf(notes, 'key')).toEqual([]);
});

test('SIGTERM while Redis is away ends the process, and the next one goes on', async () => {
  own = await startRedis();
  await open(3);
  const [a] = await bench.members(['a'], { drainTimeoutMs: 500 });
  const stopLoad = bench.load(keys, { workMs: 2 });
  await bench.noted(50);
  await own.kill();
  expect(await a!.end('SIGTERM')).toBe('SIGTERM');
  await own.restart();
  await bench.members(['b']);
  await stopLoad();
  const notes = await bench.allHandled();
  expect(disorderOf(notes, 'partition')).toEqual([]);
  expect(disorderOf(notes, 'key')).toEqual([]);
});
