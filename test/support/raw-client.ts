import {
  decodeResponse,
  encodeRequest,
  FrameReader,
  type Api,
  type RequestInput,
  type ResponseOf,
} from '@sluice/wire';
import { connect, type Socket } from 'node:net';

interface Waiting {
  decode: (frame: Buffer) => void;
  fail: (error: Error) => void;
}

const frameBytesMax = 256 * 1024 * 1024;
const defaultReplyTimeoutMs = 60_000;

/**
 * A client that sends any request in any version, and knows nothing more of Kafka: one socket, as
 * many requests in flight as the test likes.
 */
export class RawClient {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #frames = new FrameReader({ frameBytesMax });
  readonly #waiting = new Map<number, Waiting>();
  #correlationId = 0;

  private constructor(
    readonly socket: Socket,
    private readonly clientId: string | null,
    private readonly replyTimeoutMs: number,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // The reason is told to whoever waits; `close` always follows.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#failAll(new Error('the connection is closed'));
        resolve();
      });
    });
  }

  /** Connects to a broker on this machine. */
  static connect(
    port: number,
    options: { host?: string; clientId?: string | null; replyTimeoutMs?: number } = {},
  ): Promise<RawClient> {
    const { host = '127.0.0.1', clientId = 'raw-client' } = options;
    const { replyTimeoutMs = defaultReplyTimeoutMs } = options;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket, clientId, replyTimeoutMs));
      });
    });
  }

  /** Sends a request; rejects when the connection ends first, or no reply comes in time. */
  send<A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const correlationId = ++this.#correlationId;
    const what = `${api.name} v${version}`;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(correlationId);
        reject(new Error(`${what}: no reply came`));
      };
      const timer = setTimeout(giveUp, this.replyTimeoutMs);
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(correlationId);
        act();
      };
      this.#waiting.set(correlationId, {
        decode: (frame) => settle(() => resolve(decodeResponse(api, version, frame).response)),
        fail: (error) => settle(() => reject(new Error(`${what}: ${error.message}`))),
      });
      this.write(api, version, request, correlationId);
    });
  }

  /** Sends a request without waiting for a reply. */
  write<A extends Api>(
    api: A,
    version: number,
    request: RequestInput<A>,
    correlationId = ++this.#correlationId,
  ): void {
    const { clientId } = this;
    const chunks = encodeRequest(api, version, { correlationId, clientId }, request);
    this.socket.write(Buffer.concat(chunks));
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        const correlationId = frame.readInt32BE(0);
        const waiting = this.#waiting.get(correlationId);
        if (!waiting) throw new Error(`a reply that nobody waits for: ${correlationId}`);
        const [first] = this.#waiting.keys();
        if (first !== correlationId) throw new Error('replies came out of order');
        waiting.decode(frame);
      }
    } catch (error) {
      this.#failAll(error as Error);
      this.socket.destroy();
    }
  }

  #failAll(error: Error): void {
    for (const { fail } of this.#waiting.values()) fail(error);
  }
}
