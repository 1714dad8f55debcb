import { encodeRequest, Heartbeat, Produce } from '@sluice/wire';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { listen, type TestListener } from '../../test/listener';
import { limits } from '../limits';
import { CloseConnection } from '../requests/close-connection';
import { handle, noReply, type Answer } from '../requests/handler';
import { LaterAnswer } from '../requests/later-answer';

type ProduceAnswer = Answer<typeof Produce>;

/** A request under way, of which the test tells the end. */
class Held extends LaterAnswer<ProduceAnswer> {
  constructor(private readonly name: string) {
    super();
  }

  end(answer: ProduceAnswer = { responses: [{ name: this.name, partitionResponses: [] }] }): void {
    this.answer(answer);
  }

  break(error: unknown): void {
    this.fail(error);
  }
}

const KiB = 1024;
const refusedAtOnce = 'refused at once';
/** Encoding it throws. */
const unencodable = null as unknown as ProduceAnswer;
const withoutReply = new CloseConnection('a produce with acks=0 failed', { error: 'a refusal' });

/** Those under way, by the name of their topic, in the order of their start. */
const held = new Map<string, Held>();
let startedAtOnce = 0;
/** How deep within each other requests that end at once were started, and are. */
let depthMax = 0;
let depth = 0;

handle(
  Produce,
  (_, { topicData }) => {
    const { name } = topicData[0]!;
    const one = new Held(name);
    if (name !== refusedAtOnce) held.set(name, one);
    else startAtOnce(one);
    return one;
  },
  { pipelined: true },
);
handle(Heartbeat, () => ({ errorCode: 0 }));

function startAtOnce(one: Held): void {
  startedAtOnce++;
  const { whenEnded } = one;
  one.whenEnded = (listener) => {
    depthMax = Math.max(depthMax, ++depth);
    whenEnded.call(one, listener);
    depth--;
  };
  one.end();
}

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };

function request(name: string, bytes: number) {
  const partitionData = [{ index: 0, records: Buffer.alloc(bytes) }];
  return { acks: 1, timeoutMs: 1, topicData: [{ name, partitionData }] };
}

let running: TestListener;
let opened: RawClient[];

beforeEach(async () => {
  held.clear();
  startedAtOnce = depthMax = depth = 0;
  opened = [];
  running = await listen();
});

afterEach(async () => {
  for (const { socket } of opened) socket.destroy();
  await running.listener.stop(0);
});

async function client(): Promise<RawClient> {
  const made = await RawClient.connect(running.port);
  opened.push(made);
  return made;
}

/** Sends requests; resolves once all of them are under way. */
async function start(by: RawClient, names: string[], bytes = 10) {
  const replies = names.map((name) => by.send(Produce, 3, request(name, bytes)).then(nameIn, why));
  await eventually(() => names.every((name) => held.has(name)));
  return { replies };
}

const nameIn = ({ responses }: { responses: { name: string }[] }): string => responses[0]!.name;
const why = ({ message }: Error): string => message;
const isClosed = expect.stringContaining('the connection is closed') as unknown;

describe('requests that are answered later', () => {
  it('are answered in their order, whichever ends first', async () => {
    const one = await client();
    const { replies } = await start(one, ['a', 'b', 'c']);
    // The client fails where a reply overtakes another.
    for (const name of ['c', 'a', 'b']) held.get(name)!.end();
    expect(await Promise.all(replies)).toEqual(['a', 'b', 'c']);
    expect(running.requestMemory.bytesUsed).toBe(0);
  });

  it('give their memory back once, where their client has gone meanwhile', async () => {
    const [gone, stays] = [await client(), await client()];
    await start(gone, ['gone', 'gone and failed', 'gone and wrong'], 20 * KiB);
    const { replies } = await start(stays, ['stays'], 40 * KiB);
    const bothBytes = running.requestMemory.bytesUsed;
    await gone.close();
    await eventually(() => running.listener.connectionCount === 1);
    expect(running.requestMemory.bytesUsed).toBe(bothBytes);
    held.get('gone')!.end();
    held.get('gone and failed')!.break(withoutReply);
    held.get('gone and wrong')!.end(unencodable);
    const leftBytes = running.requestMemory.bytesUsed;
    expect(leftBytes).toBeGreaterThan(40 * KiB);
    expect(leftBytes).toBeLessThan(41 * KiB);
    held.get('stays')!.end();
    expect(await Promise.all(replies)).toEqual(['stays']);
    expect(running.requestMemory.bytesUsed).toBe(0);
    expect(running.warnings).toEqual([]);
  });

  it.each<[string, (one: Held) => void]>([
    ['fails', (one) => one.break(withoutReply)],
    ['has an answer that cannot be encoded', (one) => one.end(unencodable)],
  ])('go on in the turn in which one of another client %s', async (_, fail) => {
    const [failing, other] = [await client(), await client()];
    const { replies: lost } = await start(failing, ['a', 'b', 'c'], 20 * KiB);
    const { replies } = await start(other, ['d', 'e'], 20 * KiB);
    // As the log answers all that was appended in one call.
    held.get('d')!.end();
    fail(held.get('a')!);
    held.get('b')!.end();
    held.get('c')!.break(new Error('it fails too'));
    held.get('e')!.end();
    expect(running.requestMemory.bytesUsed).toBe(0);
    expect(await Promise.all(replies)).toEqual(['d', 'e']);
    expect(await Promise.all(lost)).toEqual([isClosed, isClosed, isClosed]);
    await eventually(() => running.listener.connectionCount === 1);
    expect(running.warnings).toHaveLength(1);
  });

  it('start those that have waited for them, which may end at once', async () => {
    const one = await client();
    const { replies } = await start(one, ['first']);
    const after = one.send(Heartbeat, 0, heartbeat);
    const behind = Array.from({ length: 5 }, () =>
      one.send(Produce, 3, request(refusedAtOnce, KiB)),
    );
    await eventually(() => running.requestMemory.bytesUsed > 5 * KiB);
    expect(startedAtOnce).toBe(0);
    held.get('first')!.end();
    expect(startedAtOnce).toBe(5);
    expect(await Promise.all(replies)).toEqual(['first']);
    expect(await after).toMatchObject({ errorCode: 0 });
    await Promise.all(behind);
    expect(running.requestMemory.bytesUsed).toBe(0);
  });

  it('are not started within each other, where thousands are refused at once', async () => {
    const one = await client();
    const names = Array.from({ length: limits.pipelinedRequestsMax }, (_, n) => `held ${n}`);
    await start(one, names);
    const count = 2_000;
    const header = { correlationId: 0, clientId: null };
    const frame = encodeRequest(Produce, 3, header, request(refusedAtOnce, 10));
    one.socket.removeAllListeners('data');
    let bytes = 0;
    one.socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
    one.socket.write(Buffer.concat(Array.from({ length: count }, () => frame).flat()));
    await eventually(() => one.socket.writableLength === 0);
    for (const later of held.values()) later.end();
    await eventually(() => startedAtOnce === count && running.requestMemory.bytesUsed === 0);
    expect(depthMax).toBe(1);
    await eventually(() => bytes > count * 20);
  });

  it('are waited for at a stop, and their replies sent', async () => {
    const [one, silent] = [await client(), await client()];
    const { replies } = await start(one, ['a', 'b']);
    await start(silent, ['without reply']);
    const startedBytes = running.requestMemory.bytesUsed;
    const queued = one.send(Heartbeat, 0, heartbeat).catch(why);
    await eventually(() => running.requestMemory.bytesUsed > startedBytes);
    const stopped = running.listener.stop(60_000);
    await eventually(() => running.requestMemory.bytesUsed === startedBytes);
    held.get('b')!.end();
    held.get('a')!.end();
    held.get('without reply')!.end(noReply);
    // The clock stands still, so the grace never ends.
    await stopped;
    expect(await Promise.all(replies)).toEqual(['a', 'b']);
    expect(await queued).toEqual(isClosed);
    expect(running.requestMemory.bytesUsed).toBe(0);
    expect(running.warnings).toEqual([]);
  });
});
