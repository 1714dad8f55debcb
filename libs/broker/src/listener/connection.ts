import type { Socket } from 'node:net';
import type { BrokerServices } from '../context';
import { limits } from '../limits';
import { CloseConnection } from '../registry';
import { FrameReader, MalformedError } from '@sluice/wire';
import { encodeAnswer, parseRequest, runRequest, type ParsedRequest } from './dispatch';
import type { FramePool } from './frame-pool';
import type { MemoryBudget } from './memory-budget';
import { readIntoOwnBuffer } from './own-buffer';
import { ReplyQueue, type PendingReply } from './reply-queue';
import { RequestScope } from './request-scope';

export interface ConnectionServices extends BrokerServices {
  readonly requestBudget: MemoryBudget;
  readonly framePool: FramePool;
}

/**
 * One client's socket. Requests start in order and replies leave in order: one at a time, as Kafka
 * does it, but for Produce, of which many may be under way, each started in order (see design:
 * pipelined requests). Reading pauses while too much is queued, unsent or in memory.
 */
export class Connection {
  private readonly frames: FrameReader;
  private readonly queue: ParsedRequest[] = [];
  private queueHead = 0;
  private readonly replies: ReplyQueue;
  private readonly gone = new AbortController();
  private readonly clientHost: string;
  private pipelinedOut = 0;
  private exclusiveOut = false;
  private heldBytes = 0;
  private cancelReservation: (() => void) | null = null;
  private reservedForPartial = 0;
  private lastDataMs: number;
  private closing = false;
  private draining = false;

  private readonly socket: Socket;

  /** Takes over a socket that the server has accepted and paused. */
  constructor(
    accepted: Socket,
    private readonly services: ConnectionServices,
    private readonly onClosed: (connection: Connection) => void,
  ) {
    this.frames = new FrameReader({
      frameBytesMax: services.options.frameBytesMax,
      allocate: services.framePool.allocate,
      chunksAreReused: true,
    });
    const socket = readIntoOwnBuffer(accepted, (chunk) => this.onData(chunk));
    this.socket = socket;
    this.replies = new ReplyQueue(socket, services.clock);
    this.clientHost = `/${(socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')}`;
    this.lastDataMs = services.clock.monotonicMs();
    socket.setNoDelay(true);
    socket.setTimeout(services.options.connectionIdleMs, () => this.close('idle for too long'));
    socket.on('drain', () => this.pump());
    socket.on('error', (error) =>
      this.services.log.debug('socket error', { error: error.message }),
    );
    socket.on('close', () => this.onClose());
  }

  /** No request is queued, under way or waiting to be sent. */
  get quiet(): boolean {
    return this.queued === 0 && this.outstanding === 0 && this.replies.sent;
  }

  /** Takes no further request; closes once what is under way is answered. */
  drain(): void {
    this.draining = true;
    // What still comes is read and dropped: the end that the client answers ours with comes last.
    this.socket.resume();
    this.queue.length = 0;
    this.queueHead = 0;
    // Long polls and parked joins end early with what they have: the broker's stop aborts them.
    this.gone.abort();
    if (this.quiet) this.socket.end();
  }

  /** Ends the connection now, with one line in the log that says why. */
  close(reason: string, fields: Record<string, unknown> = {}): void {
    if (this.closing) return;
    this.closing = true;
    this.services.log.warn(`connection closed: ${reason}`, { client: this.clientHost, ...fields });
    this.socket.destroy();
  }

  /** Looks for a frame that stopped coming and for replies that are not taken. */
  checkStalled(nowMs: number): void {
    const waitingForRoom = this.cancelReservation !== null;
    const partial = this.frames.partialBytes > 0 && !waitingForRoom && !this.socket.isPaused();
    if (partial && nowMs - this.lastDataMs > limits.frameStallMs) {
      this.close('a request stopped half way');
    } else if (this.replies.stalledMs(nowMs) > limits.replyStallMs) {
      this.close('the client does not read its replies');
    }
  }

  private get queued(): number {
    return this.queue.length - this.queueHead;
  }

  private get outstanding(): number {
    return this.pipelinedOut + (this.exclusiveOut ? 1 : 0);
  }

  private onData(chunk: Buffer): void {
    this.lastDataMs = this.services.clock.monotonicMs();
    if (this.closing || this.draining) return;
    try {
      for (const frame of this.frames.push(chunk)) this.queue.push(this.admit(frame));
    } catch (error) {
      this.fail(error);
      return;
    }
    this.reservePartial();
    this.pump();
  }

  private admit(frame: Buffer): ParsedRequest {
    const request = parseRequest(frame);
    // A frame that was reserved while it came is paid for; one that came whole is taken without
    // asking.
    if (this.reservedForPartial > 0) this.reservedForPartial = 0;
    else this.services.requestBudget.take(frame.length);
    this.heldBytes += frame.length;
    return request;
  }

  /** A frame that is still coming needs all its bytes granted before more of it is read. */
  private reservePartial(): void {
    const { partialBytes, bytesMissing } = this.frames;
    if (partialBytes === 0 || this.reservedForPartial > 0 || this.cancelReservation) return;
    const size = partialBytes + bytesMissing;
    const { requestBudget, clock } = this.services;
    if (requestBudget.tryReserve(size)) {
      this.reservedForPartial = size;
      return;
    }
    this.cancelReservation = requestBudget.reserve(size, () => {
      this.reservedForPartial = size;
      this.cancelReservation = null;
      this.lastDataMs = clock.monotonicMs();
      this.updateReading();
    });
    this.updateReading();
  }

  private updateReading(): void {
    if (this.closing || this.draining) return;
    const full = this.queued > limits.queuedFramesMax || this.cancelReservation !== null;
    if (full && !this.socket.isPaused()) this.socket.pause();
    else if (!full && this.socket.isPaused()) this.socket.resume();
  }

  /** Starts what may start now. */
  private pump(): void {
    while (this.queued > 0 && !this.closing) {
      const request = this.queue[this.queueHead]!;
      const { pipelined } = request.handler;
      if (this.exclusiveOut || this.pipelinedOut >= limits.pipelinedRequestsMax) break;
      if (!pipelined && this.pipelinedOut > 0) break;
      if (this.replies.unsentBytes > limits.unsentReplyBytesMax) break;
      this.queueHead++;
      this.start(request, pipelined);
    }
    if (this.queueHead > 256 || this.queueHead === this.queue.length) {
      this.queue.splice(0, this.queueHead);
      this.queueHead = 0;
    }
    this.updateReading();
  }

  private start(request: ParsedRequest, pipelined: boolean): void {
    if (pipelined) this.pipelinedOut++;
    else this.exclusiveOut = true;
    const reply = this.replies.expect();
    const scope = new RequestScope(
      this.services,
      request,
      this.clientHost,
      this.gone.signal,
      reply,
    );
    try {
      const answer = runRequest(request, scope);
      if (answer instanceof Promise) {
        answer
          .then((value) => this.finish(scope, value))
          .catch((error) => this.failRequest(reply, error));
      } else {
        this.finish(scope, answer);
      }
    } catch (error) {
      this.failRequest(reply, error);
    }
  }

  /** What the request held until its reply has left (memory for a fetch) is given back. */
  private failRequest(reply: PendingReply, error: unknown): void {
    this.fail(error);
    reply.settle();
  }

  private finish({ request, reply, frameIsFree }: RequestScope, answer: unknown): void {
    const chunks = encodeAnswer(request, answer);
    if (request.handler.pipelined) this.pipelinedOut--;
    else this.exclusiveOut = false;
    this.releaseFrame(request.frameBytes);
    if (frameIsFree) this.services.framePool.giveBack(request.frame);
    this.replies.answer(reply, chunks);
    if (this.queued > 0) this.pump();
    else if (this.draining && this.outstanding === 0) {
      this.replies.whenSent(() => this.socket.end());
    }
  }

  private releaseFrame(bytes: number): void {
    // Once the connection is gone its whole share has been given back already.
    if (this.socket.destroyed && this.heldBytes === 0) return;
    this.heldBytes -= bytes;
    this.services.requestBudget.release(bytes);
  }

  private fail(error: unknown): void {
    if (error instanceof MalformedError) this.close('malformed request', { error: error.message });
    else if (error instanceof CloseConnection) this.close(error.message);
    else this.close('a request failed', { error: error instanceof Error ? error.stack : error });
  }

  private onClose(): void {
    this.closing = true;
    this.gone.abort();
    this.queue.length = 0;
    this.queueHead = 0;
    this.cancelReservation?.();
    this.services.requestBudget.release(this.heldBytes + this.reservedForPartial);
    this.heldBytes = 0;
    this.reservedForPartial = 0;
    this.replies.abandon();
    this.onClosed(this);
  }
}
