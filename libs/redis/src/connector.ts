import { connect, Socket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { LentReplies } from './lent-replies';
import { ReplySieve } from './reply-sieve';
import { tlsTo } from './tls';
import { addressText, type Address, type Place } from './topology/place';

/**
 * What all sockets with a sieve are read into, one at a time. Large values are copied out of it at
 * once, so a larger piece only saves system calls.
 */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

/** What a connector does beyond ioredis' own. */
export interface ConnectorParts {
  /** Where large values of replies go, which are taken out before ioredis reads. */
  lent?: LentReplies | undefined;
  /** Says where to connect to; without it, where ioredis' options say. */
  place?: Place | undefined;
  /** Told where the place is, before each attempt to connect. */
  onLocated?: (address: Address) => void;
  /** Told when it led to a server that is no primary; another attempt follows. */
  onNoPrimary?: (error: Error) => void;
}

/**
 * How ioredis is to connect where large values are taken out of the replies, or where it has to be
 * found out first where the primary is. Node hands what it has read to us in our own memory
 * (`onread` of net.Socket), and ioredis gets the rest.
 */
export function connectorWith({
  lent,
  place,
  onLocated,
  onNoPrimary,
}: ConnectorParts): new (options: unknown) => AbstractConnector {
  return class OwnConnector extends AbstractConnector {
    private readonly options: RedisOptions;
    private address: Address | null = null;

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
      const socket = await this.open();
      if (!this.connecting) {
        // It is broken off meanwhile; ioredis knows whether it is to be made again.
        this.firstError ??= new Error('Connection is closed.');
        return socket.destroy();
      }
      socket.once('error', (error) => (this.firstError = error));
      this.stream = socket;
      return socket;
    }

    /** ioredis asks with what INFO told, before the connection is ready. */
    override check(info: { role?: string }): boolean {
      const { address } = this;
      if (place === undefined || address === null || info.role !== 'slave') return true;
      place.isNoPrimary?.(address);
      onNoPrimary?.(
        new Error(`${addressText(address)} is a replica, and was named as the primary`),
      );
      return false;
    }

    private async open(): Promise<Socket> {
      delete this.firstError;
      if (place === undefined) return openSocket(addressOf(this.options), lent);
      try {
        this.address = await place.locate();
        onLocated?.(this.address);
      } catch (error) {
        // ioredis gives up for good where there is no socket; one that has failed is made again.
        this.firstError = error as Error;
        return new Socket().destroy();
      }
      const { tls } = this.options;
      return tls ? openSecurely(this.address, tls) : openSocket(this.address, lent);
    }
  };
}

function addressOf({ host, port }: RedisOptions): Address {
  return { host: host ?? '127.0.0.1', port: port ?? 6379 };
}

function openSecurely({ host, port }: Address, tls: ConnectionOptions): Socket {
  return connectSecurely({ ...tlsTo(host, tls), host, port });
}

function openSocket(address: Address, lent: LentReplies | undefined): Socket {
  if (lent === undefined) return connect({ ...address });
  const sieve = new ReplySieve(lent, (bytes) => void socket.emit('data', bytes));
  const callback = (bytes: number) => {
    try {
      sieve.push(shared.subarray(0, bytes));
    } catch (error) {
      socket.destroy(error as Error);
    }
    return true;
  };
  const socket = connect({ ...address, onread: { buffer: shared, callback } });
  socket.once('close', () => {
    sieve.end();
    lent.end();
  });
  return socket;
}
