import { connect, type Socket } from 'node:net';

/** What a reply has to say, checked on its bytes: the tool must not be the limit. */
export type ReplyCheck = (frame: Buffer) => void;

/** What a socket is read into; each piece is looked at before the next is read. */
const readBytes = 256 * 1024;
const sizeBytes = 4;

/**
 * One socket to a broker that keeps a number of requests in flight. Replies are only cut into
 * frames and handed to the check; nothing is decoded that the check does not look at. No memory is
 * taken for each reply: what is timed is the broker.
 */
export class RawConnection {
  /** A frame that comes in pieces, its size in front; used again for the next one. */
  private frame: Buffer = Buffer.allocUnsafeSlow(readBytes);
  private frameCame = 0;
  private onReply: (frame: Buffer) => void = () => {};
  private failure: Error | null = null;
  private onFailure: (error: Error) => void = () => {};
  private socket!: Socket;

  private constructor() {}

  /** Connects to a broker, to a gateway of this machine unless a host is given. */
  static open(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    const connection = new RawConnection();
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    const callback = (bytes: number) => {
      connection.onData(buffer.subarray(0, bytes));
      return true;
    };
    return new Promise((resolve, reject) => {
      const onread = { buffer, callback };
      const socket = connect({ host, port, onread }, () => {
        socket.off('error', reject);
        connection.watch(socket);
        resolve(connection);
      });
      socket.once('error', reject);
    });
  }

  private watch(socket: Socket): void {
    this.socket = socket;
    socket.setNoDelay(true);
    const failed = (error: Error) => {
      this.failure = error;
      this.onFailure(error);
    };
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('the broker closed the connection')));
  }

  close(): void {
    this.onFailure = () => {};
    this.socket.destroy();
  }

  /** Sends the next request whenever fewer than `depth` are in flight, until `next` gives null. */
  run(depth: number, next: () => Buffer | null, check: ReplyCheck): Promise<void> {
    return new Promise((resolve, reject) => {
      let inFlight = 0;
      let ended = false;
      const fill = () => {
        this.socket.cork();
        while (!ended && inFlight < depth) {
          const request = next();
          if (request === null) ended = true;
          else {
            inFlight++;
            this.socket.write(request);
          }
        }
        this.socket.uncork();
        if (ended && inFlight === 0) resolve();
      };
      this.onFailure = reject;
      if (this.failure) reject(this.failure);
      this.onReply = (frame) => {
        inFlight--;
        try {
          check(frame);
        } catch (error) {
          ended = true;
          reject(error as Error);
        }
      };
      this.afterReplies = fill;
      fill();
    });
  }

  /** One request, one reply, whose bytes hold until the next request. */
  async ask(request: Buffer): Promise<Buffer> {
    let reply: Buffer = this.frame;
    let left = 1;
    await this.run(
      1,
      () => (left-- > 0 ? request : null),
      (frame) => {
        reply = frame.buffer === this.frame.buffer ? frame : Buffer.from(frame);
      },
    );
    return reply;
  }

  private afterReplies: () => void = () => {};

  private onData(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const size = this.frameCame === 0 && chunk.length - at >= sizeBytes && frameBytes(chunk, at);
      if (size && size <= chunk.length - at) {
        this.onReply(chunk.subarray(at + sizeBytes, at + size));
        at += size;
      } else {
        at = this.collect(chunk, at);
      }
    }
    this.afterReplies();
  }

  /** Takes bytes of a frame that comes in pieces; returns where it has stopped. */
  private collect(chunk: Buffer, at: number): number {
    const known = this.frameCame >= sizeBytes;
    const wanted = known ? frameBytes(this.frame, 0) : sizeBytes;
    if (wanted > this.frame.length) {
      const larger = Buffer.allocUnsafeSlow(2 * wanted);
      this.frame.copy(larger, 0, 0, this.frameCame);
      this.frame = larger;
    }
    const bytes = Math.min(wanted - this.frameCame, chunk.length - at);
    chunk.copy(this.frame, this.frameCame, at, at + bytes);
    this.frameCame += bytes;
    if (known && this.frameCame === wanted) {
      this.frameCame = 0;
      this.onReply(this.frame.subarray(sizeBytes, wanted));
    }
    return at + bytes;
  }
}

/** Bytes of the frame that begins here, with its size in front. */
function frameBytes(bytes: Buffer, at: number): number {
  return sizeBytes + bytes.readInt32BE(at);
}
