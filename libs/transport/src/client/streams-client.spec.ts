import { runInThisContext } from 'node:vm';
import { silentLogger, type Logger } from '@sluice/base';
import { SendError, type SentRecord } from '@sluice/streams';
import { eventually } from '@sluice/test/support/eventually';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { firstValueFrom, lastValueFrom, toArray, type Observable } from 'rxjs';
import { FakeDriver } from '../../test/fake-driver';
import type { ReplyInbox } from '../driver';
import { streamHeaders } from '../headers';
import { StreamRecord } from '../building/stream-record';
import type { StreamsClientOptions } from './client-options';
import { StreamsClient } from './streams-client';

let driver: FakeDriver;
let clock: FakeClock;
beforeEach(() => {
  driver = new FakeDriver();
  clock = new FakeClock();
});

const clientOf = (options: StreamsClientOptions = {}): StreamsClient =>
  new StreamsClient({ driver, clock, log: silentLogger, ...options });

const valuesSent = (): unknown[] =>
  driver.sent.map(({ value }) => (value === null ? null : JSON.parse(String(value))));

/** The correlation id of a request, once it was sent. */
const asked = (at = 0): Promise<string> =>
  eventually(() => driver.header(at, streamHeaders.correlationId));

function watch<T>(observable: Observable<T>) {
  const seen: { values: T[]; error: unknown; isComplete: boolean } = {
    values: [],
    error: undefined,
    isComplete: false,
  };
  const subscription = observable.subscribe({
    next: (value) => seen.values.push(value),
    error: (error: unknown) => (seen.error = error),
    complete: () => (seen.isComplete = true),
  });
  return { seen, subscription };
}

describe('connect', () => {
  it('is done once, however often it is asked for', async () => {
    const client = clientOf();
    await Promise.all([client.connect(), client.connect()]);
    await client.connect();
    expect(driver.connects).toBe(1);
    expect(await firstValueFrom(client.status)).toBe('connected');
  });

  it('may be repeated after it has failed', async () => {
    driver.connecting = () => Promise.reject(new Error('no Redis'));
    const client = clientOf();
    await expect(client.connect()).rejects.toThrow('no Redis');
    driver.connecting = () => Promise.resolve();
    await client.connect();
    expect(client.unwrap()).toBe(driver);
  });

  it('comes before unwrap', () => {
    expect(() => clientOf().unwrap()).toThrow('not connected');
  });
});

describe('emit', () => {
  it('writes whether or not anybody subscribes, and in order', async () => {
    const client = clientOf();
    for (let i = 0; i < 5; i++) client.emit('topic', i);
    await eventually(() => driver.sent.length === 5);
    expect(valuesSent()).toEqual([0, 1, 2, 3, 4]);
  });

  it('keeps the order though a serialiser takes its time', async () => {
    const slow: ((bytes: Buffer) => void)[] = [];
    const client = clientOf({
      serializer: {
        serialize: (value) =>
          value === 'slow'
            ? new Promise<Buffer>((resolve) => slow.push(resolve))
            : Buffer.from(JSON.stringify(value)),
      },
    });
    await client.connect();
    const both = [client.publish('topic', 'slow'), client.publish('topic', 'quick')];
    slow[0]!(Buffer.from('"slow"'));
    await Promise.all(both);
    expect(valuesSent()).toEqual(['slow', 'quick']);
  });

  it('tells where it is written to whoever subscribes, also later', async () => {
    const emitted = clientOf().emit('topic', 'x');
    await eventually(() => driver.sent.length === 1);
    expect(await firstValueFrom(emitted)).toMatchObject({ topic: 'topic', offset: 0 });
  });

  it('takes the key, headers, time and partition of a record', async () => {
    const record = new StreamRecord({ a: 1 }, { key: 'k', partition: 2, timestampMs: 5 });
    await firstValueFrom(clientOf().emit('topic', record));
    expect(driver.sent[0]).toMatchObject({ key: 'k', partition: 2, timestampMs: 5 });
    expect(valuesSent()).toEqual([{ a: 1 }]);
  });

  it('writes no value at all for a record of null', async () => {
    await firstValueFrom(clientOf().emit('topic', new StreamRecord(null, { key: 'k' })));
    expect(driver.sent[0]).toMatchObject({ key: 'k', value: null });
  });

  it("writes the metadata of Nest's packet into headers", async () => {
    const client = clientOf();
    client.setOnDispatchHook((packet) => {
      Object.assign(packet, { metadata: { tenant: 'a' } });
    });
    await firstValueFrom(client.emit('topic', 'x'));
    expect(driver.header(0, 'sluice-meta-tenant')).toBe('a');
  });

  it('does not fail in silence: the log, listeners and subscribers are told', async () => {
    const lines: string[] = [];
    const log: Logger = { ...silentLogger, error: (message) => void lines.push(message) };
    const client = clientOf({ log });
    const told: string[] = [];
    client.on('error', ({ message }, topic) => told.push(`${topic}: ${message}`));
    driver.outcome = () => Promise.reject(new SendError('BUFFER_FULL', 'full', { topic: 't' }));
    const emitted = client.emit('topic', 'x');
    await expect(firstValueFrom(emitted)).rejects.toMatchObject({ code: 'BUFFER_FULL' });
    expect(lines).toEqual(['events could not be written']);
    expect(told).toEqual([expect.stringContaining('topic: BUFFER_FULL')]);
  });

  it.each([
    ['a pattern', undefined, 'x'],
    ['data', 'topic', undefined],
    ['data', 'topic', null],
  ])('refuses what has no %s', async (_, pattern, data) => {
    await expect(firstValueFrom(clientOf().emit(pattern, data))).rejects.toThrow('missing');
    expect(driver.sent).toEqual([]);
  });

  it('tells of a serialiser that fails, and goes on', async () => {
    const client = clientOf();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    await expect(client.publish('topic', circular)).rejects.toThrow(/circular/);
    await client.publish('topic', 'x');
    expect(valuesSent()).toEqual(['x']);
  });
});

it('emitBatch writes all in order', async () => {
  const records = [1, new StreamRecord(2, { key: 'k' }), 3];
  expect(await clientOf().emitBatch('topic', records)).toHaveLength(3);
  expect(valuesSent()).toEqual([1, 2, 3]);
});

describe('send', () => {
  it('gives the answer, and ends', async () => {
    const client = clientOf();
    const answer = lastValueFrom(client.send('topic', { q: 1 }));
    driver.answer(await asked(), { value: { a: 1 }, isLast: true });
    expect(await answer).toEqual({ a: 1 });
    expect(driver.header(0, streamHeaders.replyStream)).toBe('inbox-1');
  });

  it('gives several answers in order, and the end after them', async () => {
    const answers = lastValueFrom(clientOf().send('topic', 'q').pipe(toArray()));
    const id = await asked();
    for (const value of [1, 2, 3]) driver.answer(id, { value });
    driver.answer(id, { isLast: true });
    expect(await answers).toEqual([1, 2, 3]);
  });

  it('keeps the order of answers though a deserialiser takes its time', async () => {
    const delays: (() => void)[] = [];
    const client = clientOf({
      deserializer: {
        deserialize: ({ value }) =>
          new Promise((resolve) => delays.push(() => resolve(Number(String(value))))),
      },
    });
    const answers = lastValueFrom(client.send('topic', 'q').pipe(toArray()));
    const id = await asked();
    driver.answer(id, { value: 1 });
    driver.answer(id, { value: 2, isLast: true });
    for (let i = 0; i < 2; i++) (await eventually(() => delays.shift()))();
    expect(await answers).toEqual([1, 2]);
  });

  it('fails where answers are missing, and takes no more', async () => {
    const { seen } = watch(clientOf().send('topic', 'q'));
    const id = await asked();
    driver.answer(id, { value: 1, number: 0 });
    driver.answer(id, { value: 3, number: 2 });
    driver.answer(id, { value: 4, number: 3, isLast: true });
    expect(seen.values).toEqual([1]);
    expect(seen.error).toMatchObject({ name: 'StreamRequestError', problem: 'answers-lost' });
  });

  it("gives a handler's error as it came", async () => {
    const { seen } = watch(clientOf().send('topic', 'q'));
    driver.answer(await asked(), { error: { status: 'error', message: 'no' }, isLast: true });
    expect(seen.error).toEqual({ status: 'error', message: 'no' });
  });

  it('opens one inbox for all requests, and none for events alone', async () => {
    const client = clientOf();
    await client.publish('topic', 'event');
    expect(driver.inboxes).toBe(0);
    const answers = [1, 2].map((q) => lastValueFrom(client.send('topic', q)));
    const ids = [await asked(1), await asked(2)];
    expect(new Set(ids).size).toBe(2);
    driver.answer(ids[1]!, { value: 'second', isLast: true });
    driver.answer(ids[0]!, { value: 'first', isLast: true });
    expect(await Promise.all(answers)).toEqual(['first', 'second']);
    expect(driver.inboxes).toBe(1);
  });

  it('fails when no answer comes in time, and drops one that comes later', async () => {
    const { seen } = watch(clientOf({ requestTimeoutMs: 100 }).send('topic', 'q'));
    const id = await asked();
    clock.advance(100);
    expect(seen.error).toMatchObject({ name: 'StreamRequestError', problem: 'timed-out' });
    driver.answer(id, { value: 'late', isLast: true });
    expect(seen.values).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });

  it('waits as long again for each further answer', async () => {
    const { seen } = watch(clientOf({ requestTimeoutMs: 100 }).send('topic', 'q'));
    const id = await asked();
    clock.advance(90);
    driver.answer(id, { value: 1 });
    clock.advance(90);
    expect(seen).toMatchObject({ values: [1], error: undefined });
    clock.advance(10);
    expect(seen.error).toMatchObject({ problem: 'timed-out' });
  });

  it('waits for nothing once nobody is subscribed', async () => {
    const { seen, subscription } = watch(clientOf().send('topic', 'q'));
    const id = await asked();
    subscription.unsubscribe();
    driver.answer(id, { value: 'x', isLast: true });
    expect(seen).toMatchObject({ values: [], error: undefined, isComplete: false });
    expect(clock.timerCount).toBe(0);
  });

  it('fails when the request cannot be written', async () => {
    driver.outcome = () => Promise.reject(new SendError('BUFFER_FULL', 'full', { topic: 't' }));
    const answer = firstValueFrom(clientOf().send('topic', 'q'));
    await expect(answer).rejects.toMatchObject({ code: 'BUFFER_FULL' });
  });

  it('fails alone when its value cannot be serialised, before answers can come in', async () => {
    // Jest's own `process` is not told.
    const node = runInThisContext('process') as NodeJS.Process;
    const unheard = jest.fn();
    node.on('unhandledRejection', unheard);
    let opened!: (inbox: ReplyInbox) => void;
    driver.openInbox = () => new Promise((resolve) => (opened = resolve));
    const serializer = { serialize: () => Promise.reject(new Error('not in the schema')) };
    const { seen } = watch(clientOf({ serializer }).send('topic', 'q'));
    await new Promise((resolve) => setImmediate(resolve));
    opened({ address: 'inbox-1', close: async () => {} });
    await eventually(() => seen.error !== undefined);
    node.off('unhandledRejection', unheard);
    expect(seen.error).toMatchObject({ message: 'not in the schema' });
    expect(unheard).not.toHaveBeenCalled();
  });

  it('fails when answers may have been lost', async () => {
    const { seen } = watch(clientOf().send('topic', 'q'));
    await asked();
    driver.lose('Redis was restarted');
    expect(seen.error).toMatchObject({ problem: 'answers-lost' });
  });

  it('fails when what comes cannot be read', async () => {
    const deserializer = {
      deserialize: () => {
        throw new Error('not JSON');
      },
    };
    const { seen } = watch(clientOf({ deserializer }).send('topic', 'q'));
    driver.answer(await asked(), { value: 'x', isLast: true });
    expect(seen.error).toMatchObject({ problem: 'undecodable' });
  });

  it('is refused when too many wait', async () => {
    const client = clientOf({ requestsMax: 1 });
    watch(client.send('topic', 'q'));
    await asked();
    await expect(firstValueFrom(client.send('topic', 'q'))).rejects.toMatchObject({
      problem: 'too-many',
    });
  });
});

describe('close', () => {
  it('fails requests that wait, closes the inbox, and leaves a shared driver open', async () => {
    const client = clientOf();
    const { seen } = watch(client.send('topic', 'q'));
    await asked();
    await Promise.all([client.close(), client.close()]);
    expect(seen.error).toMatchObject({ problem: 'closed' });
    expect(driver.isInboxOpen).toBe(false);
    expect(driver.isClosed).toBe(false);
    expect(clock.timerCount).toBe(0);
  });

  it('waits for what was given before, and refuses what comes after', async () => {
    const waiting: ((sent: SentRecord) => void)[] = [];
    driver.outcome = () => new Promise((resolve) => waiting.push(resolve));
    const client = clientOf();
    const before = client.publish('topic', 1);
    const closed = client.close();
    waiting[0]!({ topic: 'topic', partition: 0, offset: 7, timestampMs: 0 });
    await closed;
    expect(await before).toMatchObject({ offset: 7 });
    await expect(client.publish('topic', 2)).rejects.toThrow('was closed');
    await expect(firstValueFrom(client.send('topic', 3))).rejects.toThrow('was closed');
  });
});
