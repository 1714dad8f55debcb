import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeRequest, Heartbeat } from '@sluice/wire';
import { eventually } from '@sluice/test/support/eventually';
import { listen, type TestListener } from '../../test/listener';
import { limits } from '../limits';
import { CloseConnection } from '../requests/close-connection';
import { handle } from '../requests/handler';

handle(Heartbeat, () => {
  throw new CloseConnection('a produce with acks=0 failed', { error: 'MESSAGE_TOO_LARGE' });
});

let running: TestListener;

afterEach(() => running.listener.stop(0));

/** Connects, sends something, and waits until the gateway has closed the connection. */
async function knock(bytes: Buffer = Buffer.alloc(0)): Promise<void> {
  const socket = connect(running.port, '127.0.0.1');
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.write(bytes);
  socket.resume();
  await closed;
}

/** Frames that end their connection: too large, an unknown key, a version that is not served. */
function frame(...int16s: number[]): Buffer {
  const bytes = Buffer.alloc(4 + int16s.length * 2 + 6);
  bytes.writeInt32BE(bytes.length - 4);
  for (const [index, value] of int16s.entries()) bytes.writeInt16BE(value, 4 + index * 2);
  return bytes;
}

const tooLarge = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
const told = () => running.lines.filter(({ level }) => level !== 'debug');

describe('a flood', () => {
  it('of refused connections is one line when it begins and one when it is over', async () => {
    running = await listen({ connectionsMax: 1 });
    const first = connect(running.port, '127.0.0.1');
    await eventually(() => running.listener.connectionCount === 1);
    for (let n = 0; n < 30; n++) await knock();
    const message = 'connections are refused: too many are open';
    expect(told()).toEqual([{ level: 'warn', message, fields: { connectionsMax: 1 } }]);
    running.clock.advance(limits.troubleQuietMs);
    expect(told()[1]).toMatchObject({ message: `over: ${message}`, fields: { times: 30 } });
    first.destroy();
  });

  it.each([
    ['malformed request', tooLarge],
    ['unknown API key', frame(999, 0)],
    ['version of an API that is not served', frame(Heartbeat.key, 99)],
    ['a produce with acks=0 failed', heartbeat()],
  ])('of connections that end with "%s" too', async (reason, bytes) => {
    running = await listen();
    for (let n = 0; n < 30; n++) await knock(bytes);
    const message = `connection closed: ${reason}`;
    const client = expect.stringMatching(/^\/(?:::ffff:)?127/) as unknown;
    expect(told()).toMatchObject([{ level: 'warn', message, fields: { client } }]);
    running.clock.advance(limits.troubleQuietMs);
    expect(told()[1]).toMatchObject({ message: `over: ${message}`, fields: { times: 30 } });
  });

  it('does not hide another one', async () => {
    running = await listen();
    for (const bytes of [tooLarge, frame(999, 0), tooLarge, frame(998, 0)]) await knock(bytes);
    expect(running.warnings).toEqual([
      'connection closed: malformed request',
      'connection closed: unknown API key',
    ]);
    expect(running.lines.map(({ fields }) => fields?.apiKey)).toContain(998);
  });

  it('is told to its end when the gateway stops', async () => {
    running = await listen();
    for (let n = 0; n < 3; n++) await knock(tooLarge);
    await running.listener.stop(0);
    expect(running.lines.at(-1)).toMatchObject({ level: 'warn', fields: { times: 3 } });
    expect(running.clock.timerCount).toBe(0);
  });
});

describe('a closed connection', () => {
  it('is told with what went wrong', async () => {
    running = await listen();
    await knock(heartbeat());
    expect(running.lines[0]).toMatchObject({
      message: 'connection closed: a produce with acks=0 failed',
      fields: { error: 'MESSAGE_TOO_LARGE' },
    });
  });

  it('that was idle is nothing to warn of', async () => {
    running = await listen({ connectionIdleMs: 20 });
    await knock();
    expect(running.lines).toMatchObject([
      { level: 'debug', message: 'connection closed: idle for too long' },
    ]);
  });
});

function heartbeat(): Buffer {
  const request = { groupId: 'g', generationId: 1, memberId: 'm' };
  const header = { correlationId: 1, clientId: null };
  return Buffer.concat(encodeRequest(Heartbeat, 0, header, request));
}
