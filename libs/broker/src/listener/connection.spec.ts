import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiVersions, encodeRequest, Fetch, Heartbeat, Produce } from '@sluice/wire';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { listen, type TestListener } from '../../test/listener';
import { reserveFetchMemory } from '../fetch/fetch-memory';
import { limits } from '../limits';
import { handle } from '../requests/handler';

const KiB = 1024;
const MiB = 1024 * KiB;
const noOffset = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 };

/** What holds back the answers to Produce and Heartbeat; null lets them go at once. */
let gate: Promise<unknown> | null = null;
/** Bytes of the reply to a Fetch. */
let fetchReplyBytes = 0;

handle(
  Produce,
  async () => {
    await gate;
    const partitionResponses = [{ index: 0, errorCode: 0, ...noOffset }];
    return { responses: [{ name: 't', partitionResponses }] };
  },
  { pipelined: true },
);
handle(Heartbeat, async (_, { groupId }) => {
  await gate;
  if (groupId === 'fails') throw new Error('a bug');
  return { errorCode: 0 };
});
handle(Fetch, async (context, { minBytes }) => {
  const memory = reserveFetchMemory(context);
  if (!(await memory.reserve(fetchReplyBytes))) return { responses: [] };
  if (minBytes < 0) throw new Error('a bug');
  const records = Buffer.alloc(fetchReplyBytes);
  return { responses: [{ topic: 't', partitions: [fetched(records)] }] };
});

function fetched(records: Buffer) {
  return { partitionIndex: 0, errorCode: 0, highWatermark: 0, abortedTransactions: null, records };
}

function produceRequest(bytes: number) {
  const partitionData = [{ index: 0, records: Buffer.alloc(bytes) }];
  return { acks: 1, timeoutMs: 1, topicData: [{ name: 't', partitionData }] };
}

const header = { correlationId: 1, clientId: null };

function produceFrame(bytes: number): Buffer {
  return Buffer.concat(encodeRequest(Produce, 3, header, produceRequest(bytes)));
}

function fetchFrame(): Buffer {
  return Buffer.concat(encodeRequest(Fetch, 4, header, fetchRequest));
}

const fetchRequest = { maxWaitMs: 0, minBytes: 0, maxBytes: MiB, isolationLevel: 0, topics: [] };
const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };

let running: TestListener;
let opened: { destroy(): void }[] = [];

async function open(): Promise<Socket> {
  const socket = connect(running.port, '127.0.0.1');
  opened.push(socket);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function client(): Promise<RawClient> {
  const made = await RawClient.connect(running.port);
  opened.push(made.socket);
  return made;
}

/** A client whose fetch has its reply, of which it takes nothing. */
async function askAndReadNothing(): Promise<Socket> {
  const socket = await open();
  socket.pause();
  socket.write(fetchFrame());
  await eventually(() => running.fetchBudget.bytesUsed === fetchReplyBytes);
  return socket;
}

/** Bytes, so far, of what the gateway has answered. */
function countReplies(socket: Socket): () => number {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  return () => bytes;
}

async function settled(socket: Socket): Promise<void> {
  socket.destroy();
  await eventually(() => running.listener.connectionCount === 0);
}

beforeEach(() => {
  gate = null;
  opened = [];
});

afterEach(async () => {
  for (const one of opened) one.destroy();
  await running.listener.stop(0);
});

describe('memory of requests', () => {
  it('is given back as it was taken, wherever a frame is cut', async () => {
    running = await listen();
    const socket = await open();
    const replies = countReplies(socket);
    const frame = produceFrame(1000);
    for (const cut of [1, 2, 4, 5, 600]) {
      const before = replies();
      socket.write(frame.subarray(0, cut));
      await eventually(
        () => socket.bytesWritten % frame.length === cut && socket.writableLength === 0,
      );
      await sleep(20);
      socket.write(frame.subarray(cut));
      await eventually(() => replies() > before);
      expect(running.requestMemory.bytesUsed).toBe(0);
    }
    await settled(socket);
    expect(running.requestMemory.bytesUsed).toBe(0);
  });

  it('is granted for the whole of a large frame, and given back when that never ends', async () => {
    running = await listen();
    const socket = await open();
    socket.write(produceFrame(8 * MiB).subarray(0, MiB));
    await eventually(() => running.requestMemory.bytesUsed > 8 * MiB);
    await settled(socket);
    expect(running.requestMemory.bytesUsed).toBe(0);
  });

  it('is not kept for those who only announce', async () => {
    running = await listen();
    const announced = Buffer.alloc(12);
    announced.writeInt32BE(90 * MiB);
    for (let n = 0; n < 20; n++) (await open()).write(announced);
    const beside = await open();
    const replies = countReplies(beside);
    const frame = produceFrame(8 * MiB);
    beside.write(frame.subarray(0, 5 * MiB));
    await eventually(() => running.requestMemory.bytesUsed >= 8 * MiB);
    beside.write(frame.subarray(5 * MiB));
    await eventually(() => replies() > 0);
  });

  it('that large frames have filled is not what smaller ones wait for', async () => {
    running = await listen();
    for (let n = 0; n < 4; n++) (await open()).write(produceFrame(90 * MiB).subarray(0, MiB));
    await eventually(() => running.requestMemory.bytesUsed > 90 * MiB);
    const beside = await client();
    await beside.send(Produce, 3, produceRequest(3 * MiB));
  });

  it('goes to the next who waits when a frame stops half way', async () => {
    running = await listen();
    const first = await open();
    first.write(produceFrame(90 * MiB).subarray(0, MiB));
    await eventually(() => running.requestMemory.bytesUsed > 90 * MiB);
    const second = await open();
    second.write(produceFrame(80 * MiB).subarray(0, MiB));
    const closed = once(first, 'close');
    await eventually(async () => {
      await running.clock.advanceAsync(limits.contendedStallMs + limits.connectionSweepMs);
      return running.warnings.length > 0;
    });
    await closed;
    expect(running.warnings).toEqual(['connection closed: a request stopped half way']);
    await eventually(() => running.requestMemory.bytesUsed > 80 * MiB);
  });

  it('stops the reading of whole frames too when it is full', async () => {
    running = await listen({ inFlightBytesMax: 4 * MiB });
    const answers = new EventEmitter();
    gate = once(answers, 'go');
    const busy = await client();
    const replies: Promise<unknown>[] = [];
    for (let n = 0; n < 60; n++) {
      replies.push(busy.send(Produce, 3, produceRequest(100 * KiB)));
      // Alone in the socket, each comes in one piece.
      await sleep(3);
    }
    expect(running.requestMemory.bytesUsed).toBeLessThan(MiB + 2 * 256 * KiB);
    answers.emit('go');
    await Promise.all(replies);
    expect(running.requestMemory.bytesUsed).toBe(0);
  });

  it('comes back when a request fails', async () => {
    running = await listen();
    const failing = await client();
    const reply = failing.send(Heartbeat, 0, { ...heartbeat, groupId: 'fails' });
    await expect(reply).rejects.toThrow('closed');
    expect(running.warnings).toEqual(['connection closed: a request failed']);
    expect(running.requestMemory.bytesUsed).toBe(0);
  });
});

describe('many requests in one piece', () => {
  it('are all answered, in order, when each is answered at once', async () => {
    running = await listen();
    const one = await client();
    const count = 40_000;
    const frame = Buffer.concat(encodeRequest(ApiVersions, 0, header, {}));
    const expected = (await one.send(ApiVersions, 0, {})).apiKeys.length * 6 + 14;
    const socket = await open();
    const replies = countReplies(socket);
    socket.write(Buffer.concat(Array.from({ length: count }, () => frame)));
    await eventually(() => replies() === count * expected);
  });
});

describe('replies', () => {
  it('that fail give their memory back', async () => {
    running = await listen();
    fetchReplyBytes = MiB;
    const failing = await client();
    const reply = failing.send(Fetch, 4, { ...fetchRequest, minBytes: -1 });
    await expect(reply).rejects.toThrow('closed');
    await eventually(() => running.listener.connectionCount === 0);
    expect(running.fetchBudget.bytesUsed).toBe(0);
  });

  it('that are taken slowly are not cut off, but those that are not taken are', async () => {
    running = await listen();
    fetchReplyBytes = 48 * MiB;
    const socket = await askAndReadNothing();
    let read = 0;
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > goal) socket.pause();
    });
    let goal = 0;
    for (let step = 1; step <= 3; step++) {
      goal = step * 12 * MiB;
      socket.resume();
      await eventually(() => read > goal);
      await sleep(50);
      await running.clock.advanceAsync(limits.replyStallMs - limits.connectionSweepMs);
    }
    expect(running.warnings).toEqual([]);
    await running.clock.advanceAsync(2 * limits.replyStallMs);
    expect(running.warnings).toEqual(['connection closed: the client does not read its replies']);
    await eventually(() => running.listener.connectionCount === 0);
    expect(running.fetchBudget.bytesUsed).toBe(0);
  });

  it('that are not taken are cut off soon where others wait for memory', async () => {
    fetchReplyBytes = 48 * MiB;
    running = await listen({ fetchBytesMax: fetchReplyBytes });
    await askAndReadNothing();
    await running.clock.advanceAsync(2 * limits.contendedStallMs);
    expect(running.warnings).toEqual([]);
    const beside = await client();
    const reply = beside.send(Fetch, 4, fetchRequest);
    await eventually(() => running.fetchBudget.contended);
    await running.clock.advanceAsync(limits.connectionSweepMs);
    expect(running.warnings).toHaveLength(1);
    expect((await reply).responses).toHaveLength(1);
  });
});

describe('a stop', () => {
  it('ends a connection as soon as its last reply has left', async () => {
    running = await listen();
    fetchReplyBytes = 48 * MiB;
    const socket = await askAndReadNothing();
    await sleep(50);
    const stopped = running.listener.stop(10_000);
    const replies = countReplies(socket);
    socket.resume();
    // The clock stands still, so the grace never ends.
    await stopped;
    expect(replies()).toBeGreaterThan(fetchReplyBytes);
    expect(running.warnings).toEqual([]);
  });

  it('does not wait for the end of a client that is gone without a word', async () => {
    running = await listen();
    // Its machine has lost its power: it never answers the end of the connection with its own.
    const socket = connect({ port: running.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(Buffer.concat(encodeRequest(ApiVersions, 0, header, {})));
    await once(socket, 'data');
    let isOver = false;
    const stopped = running.listener.stop(10_000).then(() => (isOver = true));
    await once(socket, 'end');
    await running.clock.advanceAsync(limits.endAnswerMsMax - 1);
    expect(isOver).toBe(false);
    await running.clock.advanceAsync(1);
    await stopped;
    socket.destroy();
  });
});
