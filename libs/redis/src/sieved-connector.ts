import { connect, type Socket } from 'node:net';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { LentReplies } from './lent-replies';
import { ReplySieve } from './reply-sieve';

/**
 * What all such sockets are read into, one at a time. Large values are copied out of it at once, so
 * a larger piece only saves system calls.
 */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

/**
 * How ioredis is to connect where large values are taken out of the replies. Node hands what it has
 * read to us in our own memory (`onread` of net.Socket), and ioredis gets the rest.
 */
export function sievedConnector(lent: LentReplies): new (options: unknown) => AbstractConnector {
  return class SievedConnector extends AbstractConnector {
    private readonly options: RedisOptions;

    /** ioredis gives its own options. */
    constructor(options: unknown) {
      super((options as RedisOptions).disconnectTimeout ?? 0);
      this.options = options as RedisOptions;
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      // As ioredis' own: a disconnect in the same turn still prevents the attempt.
      await new Promise((resolve) => process.nextTick(resolve));
      if (!this.connecting) throw new Error('Connection is closed.');
      const socket = openSocket(this.options, lent);
      socket.once('error', (error) => (this.firstError = error));
      this.stream = socket;
      return socket;
    }
  };
}

function openSocket({ host, port }: RedisOptions, lent: LentReplies): Socket {
  const sieve = new ReplySieve(lent, (bytes) => void socket.emit('data', bytes));
  const callback = (bytes: number) => {
    try {
      sieve.push(shared.subarray(0, bytes));
    } catch (error) {
      socket.destroy(error as Error);
    }
    return true;
  };
  const socket = connect({ host, port: port ?? 6379, onread: { buffer: shared, callback } });
  socket.once('close', () => {
    sieve.end();
    lent.end();
  });
  return socket;
}
