import fc from 'fast-check';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiVersions, encodeRequest, Fetch, Heartbeat, Produce } from '@sluice/wire';
import { eventually } from '@sluice/test/support/eventually';
import { listen } from '../../test/listener';
import { reserveFetchMemory } from '../fetch/fetch-memory';
import { handle, noReply } from '../requests/handler';

const KiB = 1024;
const MiB = 1024 * KiB;

handle(
  Produce,
  async (context, { acks, timeoutMs }) => {
    if (timeoutMs > 0) await sleep(timeoutMs);
    if (timeoutMs % 2 === 1) context.keepFrame();
    if (acks === 0) return noReply;
    return { responses: [] };
  },
  { pipelined: true },
);
handle(Heartbeat, (_, { generationId }) => {
  if (generationId < 0) throw new Error('a bug');
  return { errorCode: 0 };
});
handle(Fetch, async (context, { maxBytes, maxWaitMs, minBytes }) => {
  const memory = reserveFetchMemory(context);
  if (maxWaitMs > 0) await sleep(maxWaitMs);
  if (!(await memory.reserve(maxBytes))) return { responses: [] };
  if (maxWaitMs > 0) await sleep(maxWaitMs);
  if (minBytes < 0) throw new Error('a bug');
  memory.settle(minBytes);
  const partition = {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 0,
    abortedTransactions: null,
  };
  const partitions = [{ ...partition, records: Buffer.alloc(minBytes) }];
  return { responses: [{ topic: 't', partitions }] };
});

const header = { correlationId: 1, clientId: 'some client' };
const delay = fc.integer({ min: 0, max: 4 });

const produce = fc
  .record({
    acks: fc.constantFrom(0, 1),
    timeoutMs: delay,
    bytes: fc.oneof(fc.nat(200 * KiB), fc.nat(6 * MiB)),
  })
  .map(({ bytes, ...rest }) => {
    const partitionData = [{ index: 0, records: Buffer.alloc(bytes) }];
    const request = { ...rest, topicData: [{ name: 't', partitionData }] };
    return Buffer.concat(encodeRequest(Produce, 3, header, request));
  });

const fetch = fc
  .record({
    maxWaitMs: delay,
    maxBytes: fc.nat(3 * MiB),
    minBytes: fc.integer({ min: -1, max: 3 * MiB }),
  })
  .map((asked) => {
    const request = { ...asked, isolationLevel: 0, topics: [] };
    return Buffer.concat(encodeRequest(Fetch, 4, header, request));
  });

const heartbeat = fc.constantFrom(0, 0, 0, -1).map((generationId) => {
  const request = { groupId: 'g', generationId, memberId: 'm' };
  return Buffer.concat(encodeRequest(Heartbeat, 0, header, request));
});

const others = fc.constantFrom(
  Buffer.concat(encodeRequest(ApiVersions, 0, header, {})),
  Buffer.concat(encodeRequest(ApiVersions, 0, header, {})),
  Buffer.from([0, 0, 0, 8, 0x7f, 0xff, 0, 0, 0, 0, 0, 0]),
  Buffer.from([0xff, 0xff, 0xff, 0xff]),
);

/** One client: what it sends, in which pieces, whether it reads, and where it leaves. */
const life = fc.record({
  frames: fc.array(
    fc.oneof({ weight: 4, arbitrary: produce }, { weight: 3, arbitrary: fetch }, heartbeat, others),
    { minLength: 1, maxLength: 8 },
  ),
  pieceBytes: fc.constantFrom(3, 1000, 70_000, 3 * MiB, Infinity),
  pauseMs: fc.constantFrom(0, 1, 2),
  reads: fc.constantFrom(true, true, false),
  sentShare: fc.constantFrom(1, 1, 0.999, 0.5),
  leavesBy: fc.constantFrom('end', 'destroy', 'reset'),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

async function live(port: number, one: Life): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (one.reads) socket.resume();
  const all = Buffer.concat(one.frames);
  const bytes = Math.floor(all.length * one.sentShare);
  // A few small pieces are enough, and then the rest.
  for (let at = 0, pieces = 0; at < bytes && !socket.destroyed; pieces++) {
    const end = pieces < 20 ? Math.min(bytes, at + one.pieceBytes) : bytes;
    socket.write(all.subarray(at, end));
    at = end;
    await sleep(one.pauseMs);
  }
  await sleep(10);
  if (one.leavesBy === 'end') socket.end();
  else if (one.leavesBy === 'reset') socket.resetAndDestroy();
  else socket.destroy();
  // One that ends its side may still wait for room, or for replies that it does not read.
  await Promise.race([gone, sleep(200)]);
  socket.destroy();
}

it('gives all memory back, whatever clients send and however they leave', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 8 }), async (lives) => {
      const running = await listen({ inFlightBytesMax: 8 * MiB, fetchBytesMax: 4 * MiB });
      const { listener, requestMemory, fetchBudget } = running;
      await Promise.all(lives.map((one) => live(running.port, one)));
      await eventually(() => listener.connectionCount === 0);
      await eventually(() => requestMemory.bytesUsed === 0 && fetchBudget.bytesUsed === 0);
      expect([requestMemory.contended, fetchBudget.contended]).toEqual([false, false]);
      await listener.stop(0);
    }),
    { numRuns: 40 },
  );
});
