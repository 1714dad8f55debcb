import { EventEmitter, once } from 'node:events';
import { Heartbeat, LeaveGroup, Produce } from '@sluice/wire';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { listen, type TestListener } from '../../test/listener';
import { handle } from '../requests/handler';

/** Group ids of the heartbeats, and names of the topics written to, that have run. */
const ran: string[] = [];

handle(Heartbeat, (_, { groupId }) => {
  ran.push(groupId);
  return { errorCode: 0 };
});
handle(LeaveGroup, () => ({ errorCode: 0, members: [] }));
handle(
  Produce,
  async (_, { topicData }) => {
    ran.push(topicData[0]!.name);
    return { responses: [] };
  },
  { pipelined: true },
);

let running: TestListener;
let clients: RawClient[];

async function client(): Promise<RawClient> {
  const made = await RawClient.connect(running.port);
  clients.push(made);
  return made;
}

const beat = async (groupId: string, from?: RawClient) =>
  (from ?? (await client())).send(Heartbeat, 4, { groupId, generationId: 1, memberId: 'm' });
const write = (from: RawClient, name: string) =>
  from.send(Produce, 9, { acks: 1, timeoutMs: 1, topicData: [{ name, partitionData: [] }] });

beforeEach(async () => {
  ran.length = 0;
  clients = [];
  running = await listen();
});

afterEach(async () => {
  for (const one of clients) one.socket.destroy();
  await running.listener.stop(0);
});

describe('an intercepted request', () => {
  it('can be dropped before it has run', async () => {
    running.interceptions.add(Heartbeat, 'drop-request', { times: 1 });
    await expect(beat('dropped')).rejects.toThrow('closed');
    await beat('served');
    expect(ran).toEqual(['served']);
    expect(running.warnings).toEqual([]);
  });

  it('can lose its reply after it has run', async () => {
    running.interceptions.add(Heartbeat, 'drop-reply', { times: 2 });
    await expect(beat('first')).rejects.toThrow('closed');
    await expect(beat('second')).rejects.toThrow('closed');
    await beat('third');
    expect(ran).toEqual(['first', 'second', 'third']);
    expect(running.requestMemory.bytesUsed).toBe(0);
  });

  it('can be answered by the test', async () => {
    const set = running.interceptions.add(Heartbeat, {
      answer: ({ groupId }) => ({ errorCode: groupId.length }),
    });
    expect(await beat('four')).toMatchObject({ errorCode: 4 });
    expect(await beat('seven 7')).toMatchObject({ errorCode: 7 });
    expect(ran).toEqual([]);
    set.remove();
    expect(await beat('real')).toMatchObject({ errorCode: 0 });
  });

  it('can be held up, for a time or until something happens', async () => {
    const events = new EventEmitter();
    running.interceptions.add(Heartbeat, { delayUntil: once(events, 'go') }, { times: 1 });
    running.interceptions.add(Heartbeat, { delayMs: 500 }, { times: 1 });
    const held = beat('until');
    await eventually(() => running.listener.connectionCount === 1);
    const late = beat('for 500 ms', await client());
    await eventually(() => running.clock.timerCount === 2);
    expect(ran).toEqual([]);
    events.emit('go');
    await held;
    await running.clock.advanceAsync(500);
    await late;
    expect(ran).toEqual(['until', 'for 500 ms']);
  });

  it('that is held up runs at once when the broker stops', async () => {
    running.interceptions.add(Heartbeat, { delayMs: 1e9 });
    const held = beat('held');
    await eventually(() => running.clock.timerCount === 2);
    await running.listener.stop(60_000);
    expect(await held).toMatchObject({ errorCode: 0 });
    expect(running.clock.timerCount).toBe(0);
  });

  it('keeps its place among pipelined ones', async () => {
    const events = new EventEmitter();
    const held = { delayUntil: once(events, 'go') };
    running.interceptions.add(Produce, held, {
      when: ({ topicData }) => topicData[0]!.name === 'b',
    });
    const one = await client();
    const replies = ['a', 'b', 'c', 'd'].map((name) => write(one, name));
    await replies[0];
    expect(ran).toEqual(['a']);
    events.emit('go');
    await Promise.all(replies);
    expect(ran).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('interceptions', () => {
  it('count, choose, and end', async () => {
    const { interceptions } = running;
    const all = interceptions.add(Heartbeat, 'pass', { when: ({ groupId }) => groupId === 'mine' });
    interceptions.add(Heartbeat, { answer: () => ({ errorCode: 27 }) }, { times: 1 });
    await beat('mine');
    expect(await beat('other')).toMatchObject({ errorCode: 27 });
    expect(await beat('other')).toMatchObject({ errorCode: 0 });
    await beat('mine');
    expect(all.count).toBe(2);
    all.remove();
    all.remove();
    await beat('mine');
    expect(all.count).toBe(2);
    expect(interceptions.of(Heartbeat.key)).toBeNull();
  });

  it('see who asks, and leave other requests alone', async () => {
    const seen: unknown[] = [];
    running.interceptions.add(Heartbeat, 'drop-request', {
      when: (_, { apiVersion, clientId }) => {
        seen.push([apiVersion, clientId]);
        return false;
      },
    });
    await (await client()).send(LeaveGroup, 0, { groupId: 'g', memberId: 'm' });
    await beat('g');
    expect(seen).toEqual([[4, 'raw-client']]);
  });
});
