import { connect, type Socket } from 'node:net';

/** What a reply has to say, checked on its bytes: the tool must not be the limit. */
export type ReplyCheck = (frame: Buffer) => void;

/**
 * One socket to a gateway that keeps a number of requests in flight. Replies are only cut into
 * frames and handed to the check; nothing is decoded that the check does not look at.
 */
export class RawConnection {
  private rest: Buffer = Buffer.alloc(0);
  private onReply: (frame: Buffer) => void = () => {};
  private failure: Error | null = null;
  private onFailure: (error: Error) => void = () => {};

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    const failed = (error: Error) => {
      this.failure = error;
      this.onFailure(error);
    };
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('the gateway closed the connection')));
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port }, () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
      socket.once('error', reject);
    });
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
        check(frame);
      };
      this.afterReplies = fill;
      fill();
    });
  }

  /** One request, one reply. */
  async ask(request: Buffer): Promise<Buffer> {
    let reply: Buffer = this.rest;
    let left = 1;
    await this.run(
      1,
      () => (left-- > 0 ? request : null),
      (frame) => {
        reply = frame;
      },
    );
    return reply;
  }

  private afterReplies: () => void = () => {};

  private onData(chunk: Buffer): void {
    let data = this.rest.length === 0 ? chunk : this.join(chunk);
    if (data.length === 0) return;
    let at = 0;
    while (data.length - at >= 4) {
      const end = at + 4 + data.readInt32BE(at);
      if (end > data.length) {
        data = this.keep(data, at, end - at);
        at = 0;
        break;
      }
      this.onReply(data.subarray(at + 4, end));
      at = end;
    }
    this.rest = at === 0 ? data : data.subarray(at);
    this.afterReplies();
  }

  private missing = 0;
  private readonly parts: Buffer[] = [];

  /** Collects a large reply piece by piece, so that it is joined once. */
  private join(chunk: Buffer): Buffer {
    this.parts.push(chunk);
    this.missing -= chunk.length;
    if (this.missing > 0) return Buffer.alloc(0);
    const whole = Buffer.concat([this.rest, ...this.parts]);
    this.parts.length = 0;
    return whole;
  }

  private keep(data: Buffer, at: number, frameBytes: number): Buffer {
    this.missing = frameBytes - (data.length - at);
    return data.subarray(at);
  }
}
