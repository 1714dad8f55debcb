import { setTimeout as sleep } from 'node:timers/promises';
import {
  StreamConsumer,
  StreamProducer,
  StreamsConnection,
  type ConsumedRecord,
  type OwnedPartition,
  type RecordSink,
} from '@sluice/streams';
import { eventually } from '../support/eventually';
import { freshPrefix, sharedRedis, type TestRedis } from '../support/redis';

const topic = 'orders';
const partitions = Array.from({ length: 12 }, (_, partition) => partition);
const members = Array.from({ length: 20 }, (_, member) => member);
/** How often each of them comes. */
const stays = 3;

/** A record was handled, by the so-manyth stay of a member. */
interface Handled {
  stay: string;
  partition: number;
  offset: number;
}

let redis: TestRedis;
const connections: StreamsConnection[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  // As three processes would have them.
  const keyPrefix = freshPrefix();
  for (let one = 0; one < 3; one++) {
    connections.push(new StreamsConnection({ redisUrl: redis.url, keyPrefix }));
  }
});
afterEach(async () => {
  await Promise.all(connections.splice(0).map((one) => one.close()));
});

/** Handles the records of a partition one after another, each with some work. */
class Worker implements RecordSink {
  constructor(
    private readonly stay: string,
    private readonly handled: Handled[],
  ) {}
  readonly #lines = new Map<OwnedPartition, Promise<void>>();

  take(owned: OwnedPartition, records: readonly ConsumedRecord[]): void {
    const before = this.#lines.get(owned) ?? Promise.resolve();
    this.#lines.set(
      owned,
      before.then(() => this.#work(owned, records)),
    );
  }

  async #work(owned: OwnedPartition, records: readonly ConsumedRecord[]): Promise<void> {
    for (const { partition, offset } of records) {
      if (owned.stopping.aborted) {
        owned.release(offset);
        continue;
      }
      await sleep(1);
      // It belongs to another by now; what is done late is done for nothing.
      if (owned.lost.aborted) return;
      this.handled.push({ stay: this.stay, partition, offset });
      owned.acknowledge(offset);
    }
  }
}

test('twenty members come and go over twelve partitions, half of them without a word', async () => {
  const handled: Handled[] = [];
  const rude = new Set<string>();
  const { catalog } = await connections[0]!.connect();
  await catalog.create({ name: topic, partitions: partitions.length });
  const producer = new StreamProducer(connections[0]!);
  const end = new AbortController();
  let written = 0;
  const load = (async () => {
    for (; !end.signal.aborted; written++) {
      await producer.sendAll(partitions.map((partition) => ({ topic, partition, value: 'x' })));
      await sleep(5);
    }
  })();
  const stay = async (member: number, time: number): Promise<void> => {
    const name = `${member}/${time}`;
    const settings = { group: 'readers', topics: [topic], heartbeatIntervalMs: 200 };
    const through = connections[member % connections.length]!;
    const consumer = new StreamConsumer(through, settings, new Worker(name, handled));
    await consumer.start();
    await sleep(100 + ((member * 7 + time * 13) % 20) * 30);
    if (member % 2 === 1) rude.add(name);
    // Without a drain what is in flight is left to whoever comes next.
    await consumer.close(member % 2 === 1 ? 0 : undefined);
  };
  await Promise.all(
    members.map(async (member) => {
      await sleep(member * 50);
      for (let time = 0; time < stays; time++) await stay(member, time);
    }),
  );
  end.abort();
  await load;
  const settings = { group: 'readers', topics: [topic] };
  const last = new StreamConsumer(connections[0]!, settings, new Worker('last', handled));
  await last.start();
  const first = new Map<string, Handled>();
  await eventually(() => {
    first.clear();
    for (const one of handled.toReversed()) first.set(`${one.partition}/${one.offset}`, one);
    return first.size === written * partitions.length;
  });
  await last.close();
  for (const partition of partitions) {
    const its = new Set([...first.values()].filter((one) => one.partition === partition));
    // Their first times, in the order in which they happened.
    const inOrder = handled.filter((one) => its.has(one)).map(({ offset }) => offset);
    expect(inOrder).toEqual(Array.from({ length: written }, (_, offset) => offset));
  }
  const repeated = handled.filter((one) => first.get(`${one.partition}/${one.offset}`) !== one);
  const blame = repeated.map((one) => first.get(`${one.partition}/${one.offset}`)!.stay);
  expect(blame.filter((name) => !rude.has(name))).toEqual([]);
});
