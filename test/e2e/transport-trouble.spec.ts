import { StreamConsumer } from '@sluice/streams';
import { KeptRecords } from '../../libs/streams/test/consumer-bench';
import { eventually } from '../support/eventually';
import { sharedRedis, startRedis, type TestRedis } from '../support/redis';
import { disorderOf, firstOf, repeatsOf, type Note } from '../support/trouble/notes';
import { TroubleBench } from '../support/trouble/trouble-bench';

const partitions = 6;
const keys = Array.from({ length: 24 }, (_, index) => `key-${index}`);

let own: TestRedis | null = null;
let bench: TroubleBench;

async function open(): Promise<TroubleBench> {
  bench = await TroubleBench.open(partitions, own ?? undefined);
  return bench;
}

afterEach(async () => {
  await bench.close();
  await own?.stop();
  own = null;
});
afterAll(async () => (await sharedRedis()).stop());

/** Keys, and with one lane whole partitions, were handled in order. */
function expectOrder(notes: readonly Note[]): void {
  expect(disorderOf(notes, 'key')).toEqual([]);
  expect(disorderOf(notes, 'partition')).toEqual([]);
}

/** What came twice is, in each partition, the last that the lost member had handled. */
function expectRepeatsOnlyOf(lost: string, notes: readonly Note[]): void {
  const repeats = repeatsOf(notes);
  expect(repeats.filter(({ first }) => first.member !== lost)).toEqual([]);
  for (let partition = 0; partition < partitions; partition++) {
    const handled = firstOf(notes)
      .filter((one) => one.member === lost && one.partition === partition)
      .map(({ offset }) => offset);
    const again = repeats.map(({ note }) => note).filter((one) => one.partition === partition);
    const offsets = [...new Set(again.map(({ offset }) => offset))].sort((a, b) => a - b);
    expect(handled.slice(handled.length - offsets.length)).toEqual(offsets);
  }
}

/** Waits until others handle what is written to the partitions in which the member worked. */
async function takenOver(lost: string, since: readonly Note[]): Promise<void> {
  const its = new Set(
    since.filter(({ member }) => member === lost).map(({ partition }) => partition),
  );
  expect(its.size).toBeGreaterThan(0);
  const known = new Set(since.map(({ partition, offset }) => `${partition}/${offset}`));
  await eventually(async () => {
    const fresh = (await bench.notes()).filter(
      ({ member, partition, offset }) =>
        member !== lost && its.has(partition) && !known.has(`${partition}/${offset}`),
    );
    return new Set(fresh.map(({ partition }) => partition)).size === its.size;
  });
}

/** Another member of the group is given nothing but what is written now. */
async function expectAllAcknowledged(): Promise<void> {
  const sink = new KeptRecords();
  const { group, topic, connection, producer } = bench;
  const reader = new StreamConsumer(connection, { group, topics: [topic] }, sink);
  await reader.start();
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const records = all.map((partition) => ({ topic, partition, value: 'last' }));
  const sent = await producer.sendAll(records);
  await eventually(() => sink.taken.length >= sent.length);
  const read = sink.taken.map(({ record }) => `${record.partition}/${record.offset}`).sort();
  expect(read).toEqual(sent.map((one) => `${one.partition}/${one.offset}`).sort());
  await reader.close();
}

test('kill -9 of one of three members: the others go on where it was', async () => {
  await open();
  await bench.members(['a', 'c']);
  const [b] = await bench.members(['b']);
  const stopLoad = bench.load(keys, { workMs: 2 });
  await bench.noted(50, 'b');
  await b!.end('SIGKILL');
  await takenOver('b', await bench.notes());
  await stopLoad();
  const notes = await bench.allHandled();
  expectOrder(notes);
  expectRepeatsOnlyOf('b', notes);
});

test('Redis is killed and started again under load, three times', async () => {
  own = await startRedis();
  await open();
  const members = await bench.members(['a', 'b']);
  const stopLoad = bench.load(keys);
  for (let times = 0; times < 3; times++) {
    const { length } = await bench.notes();
    await bench.noted(length + 200);
    await own.kill();
    await own.restart();
  }
  const { length } = await bench.notes();
  await bench.noted(length + 200);
  await stopLoad();
  expectOrder(await bench.allHandled());
  await Promise.all(members.map((one) => one.end('SIGTERM')));
  await expectAllAcknowledged();
});

test('a member that stands still past its session: its late word counts for nothing', async () => {
  await open();
  const members = await bench.members(['a', 'b']);
  await bench.round(keys, { does: 'hold' });
  // Whoever holds a record is stopped with it, and others are behind it.
  const stopLoad = bench.load(keys);
  const held = await bench.heard('first-hold');
  const still = members.find(({ name }) => name === held)!;
  still.signal('SIGSTOP');
  const before = await bench.notes();
  await bench.noted(before.length + 5 * keys.length);
  await stopLoad();
  // Handled, and stopped before its word of it was out.
  const meanwhile = repeatsOf(await bench.allHandled());
  expect(meanwhile.filter(({ first }) => first.member !== held)).toEqual([]);
  await bench.say('go-on');
  still.signal('SIGCONT');
  // What ran when it was stopped is noted late; then it is a member as any other.
  const isLate = ({ note }: { note: Note }): boolean => note.member === held;
  await eventually(async () => repeatsOf(await bench.notes()).some(isLate));
  const { length } = (await bench.notes()).filter(({ member }) => member === held);
  const stopMore = bench.load(keys);
  await bench.noted(length + 20, held);
  await stopMore();
  const notes = await bench.allHandled();
  expectOrder(notes);
  const late = repeatsOf(notes).filter(isLate);
  // It began nothing of what is another's by now: one record ran in each partition.
  expect(new Set(late.map(({ note }) => note.partition)).size).toBe(late.length);
  await Promise.all(members.map((one) => one.end('SIGTERM')));
  await expectAllAcknowledged();
});

test('a handler that blocks the event loop longer than the session', async () => {
  await open();
  const members = await bench.members(['a', 'b']);
  await bench.round(['key-0'], { does: 'block', blockMs: 9_000 });
  const stopLoad = bench.load(keys);
  const blocked = await bench.heard('first-block');
  const other = blocked === 'a' ? 'b' : 'a';
  // All partitions are the other's until the loop is free again.
  await eventually(async () => {
    const its = (await bench.notes()).filter(({ member }) => member === other);
    return its.some(({ key, seq }) => key === 'key-0' && seq === 0);
  });
  await bench.noted(20, blocked);
  await stopLoad();
  const notes = await bench.allHandled();
  expectOrder(notes);
  const isOfBoth = ({ note, first }: { note: Note; first: Note }): boolean =>
    note.member !== blocked && first.member !== blocked;
  expect(repeatsOf(notes).filter(isOfBoth)).toEqual([]);
  await Promise.all(members.map((one) => one.end('SIGTERM')));
  await expectAllAcknowledged();
});
