import { EventEmitter } from 'node:events';
import { systemClock } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import type { Redis } from 'ioredis';
import { Admission, type ArrivalListener } from './admission';
import type { HeldConnection } from './connection';
import type { RedisUnavailable } from './errors';
import type { HistoryToken } from './server';

const none = '0'.repeat(40);
const history = (runId: string): HistoryToken => {
  return { runId, replicationId: runId, formerReplicationId: none };
};

/** A connection that leads to some server. */
class Connection extends EventEmitter {
  status = 'ready';
  reason: RedisUnavailable | null = null;
  reconnects = 0;
  readonly unheld = this as unknown as Redis;

  constructor(public server: HistoryToken) {
    super();
  }

  hold(reason: RedisUnavailable | null): void {
    this.reason = reason;
  }

  disconnect(): void {
    this.reconnects++;
  }
}

let lines: string[];
const note = (level: string) => (message: string, fields?: object) =>
  void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);

describe('admission', () => {
  let opened: number;
  let admission: Admission;

  beforeEach(() => {
    lines = [];
    opened = 0;
  });
  afterEach(() => admission.stop());

  function admit(connection: Connection, address: HistoryToken, listener: ArrivalListener): void {
    const log = { debug() {}, info: note('info'), warn: note('warn'), error: note('error') };
    admission = new Admission({
      held: [connection as unknown as HeldConnection],
      look: async (redis) => {
        await new Promise((resolve) => setImmediate(resolve));
        return (redis as unknown as Connection).server;
      },
      open: async () => {
        opened++;
        const redis = new Connection(address) as unknown as Redis;
        return { redis, close: async () => {} };
      },
      clock: systemClock,
      log,
      onAdmitted: () => {},
    });
    admission.onArrival(listener);
    admission.start(history('before'));
  }

  it('makes a connection anew that still leads to another server than the address', async () => {
    const connection = new Connection(history('old'));
    admit(connection, history('new'), async () => {});
    connection.emit('ready');
    await eventually(async () => connection.reconnects > 0);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([opened, connection.reconnects]).toEqual([1, 1]);
    expect(connection.reason).not.toBeNull();
    connection.server = history('new');
    connection.emit('ready');
    await eventually(async () => connection.reason === null);
  });

  it('says in the log why nothing is sent to a server for which a listener fails', async () => {
    const connection = new Connection(history('new'));
    let isBroken = true;
    admit(connection, history('new'), async () => {
      if (isBroken) throw new Error('a partition cannot be read');
    });
    connection.emit('ready');
    await eventually(async () => lines.length > 0);
    expect(lines).toEqual([expect.stringMatching(/^error .*a partition cannot be read/)]);
    isBroken = false;
    await eventually(async () => connection.reason === null);
    expect(lines).toHaveLength(2);
  });
});
