import type { Socket } from 'node:net';
import type { LogFields, Timer } from '@sluice/base';
import type { BrokerServices } from '../requests/context';
import { limits } from '../limits';
import { CloseConnection, type CloseReason } from '../requests/close-connection';
import { FrameReader, MalformedError } from '@sluice/wire';
import type { Closings } from './closings';
import { encodeAnswer, parseRequest, runRequest, type ParsedRequest } from './dispatch';
import type { FramePool } from './frame-pool';
import { readIntoOwnBuffer } from './own-buffer';
import { ReplyQueue } from './reply-queue';
import { ConnectionMemory, type RequestMemory } from './request-memory';
import { RequestScope, type RequestOwner } from './request-scope';
import { LaterAnswer } from '../requests/later-answer';
import type { RequestMeter } from '../requests/request-meter';

export interface ConnectionServices extends BrokerServices {
  readonly requestMemory: RequestMemory;
  readonly framePool: FramePool;
  readonly requestMeter: RequestMeter;
}

/** Who has accepted a connection. */
export interface ConnectionOwner {
  readonly closings: Closings;
  /** The connection has ended, whoever ended it. */
  gone(connection: Connection): void;
}

/**
 * One client's socket. Requests start in order and replies leave in order: one at a time, as Kafka
 * does it, but for Produce, of which many may be under way, each started in order (see design:
 * pipelined requests). Reading pauses while too much is queued, unsent or in memory.
 */
export class Connection implements RequestOwner {
  private readonly frames: FrameReader;
  private readonly queue: ParsedRequest[] = [];
  private queueHead = 0;
  private readonly replies: ReplyQueue;
  private readonly gone = new AbortController();
  private readonly clientHost: string;
  private pipelinedOut = 0;
  private exclusiveOut = false;
  private readonly memory: ConnectionMemory;
  private lastDataMs: number;
  private pumping = false;
  private turnOver = false;
  private closing = false;
  private draining = false;
  private endTimer: Timer | null = null;

  private readonly socket: Socket;

  /** Takes over a socket that the server has accepted and paused. */
  constructor(
    accepted: Socket,
    private readonly services: ConnectionServices,
    private readonly owner: ConnectionOwner,
  ) {
    this.frames = new FrameReader({
      frameBytesMax: services.options.frameBytesMax,
      allocate: services.framePool.allocate,
      chunksAreReused: true,
    });
    const { clock } = services;
    const onRoom = () => this.goOn();
    this.memory = new ConnectionMemory(services.requestMemory, onRoom, () => clock.monotonicMs());
    const socket = readIntoOwnBuffer(accepted, (chunk) => this.onData(chunk));
    this.socket = socket;
    this.replies = new ReplyQueue(socket, clock);
    this.clientHost = `/${(socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')}`;
    this.lastDataMs = clock.monotonicMs();
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

  /** Requests that have come and are not answered. */
  get unanswered(): number {
    return this.queued + this.outstanding;
  }

  /** Takes no further request; closes once what is under way is answered. */
  drain(): void {
    this.draining = true;
    // What still comes is read and dropped: the end that the client answers ours with comes last.
    this.socket.resume();
    this.dropQueue();
    // Long polls and parked joins end early with what they have: the broker's stop aborts them.
    this.gone.abort();
    this.endIfAnswered();
  }

  /** Ends the connection now, and tells why. */
  close(reason: CloseReason, fields: LogFields = {}): void {
    if (this.closing) return;
    this.closing = true;
    this.owner.closings.closed(reason, { client: this.clientHost, ...fields });
    this.socket.destroy();
  }

  /** Looks for a frame that stopped coming and for replies that are not taken. */
  checkStalled(nowMs: number): void {
    if (this.isHalfWay(nowMs)) return this.close('a request stopped half way');
    const { unsentMs, silentMs } = this.replies.stall(nowMs);
    const stalled = this.services.fetchBudget.contended
      ? silentMs > limits.contendedStallMs || unsentMs > limits.replyStallMs
      : silentMs > limits.replyStallMs;
    if (stalled) this.close('the client does not read its replies');
  }

  private isHalfWay(nowMs: number): boolean {
    const isRead = !this.memory.waiting && !this.socket.isPaused();
    if (this.frames.partialBytes === 0 || !isRead) return false;
    const silentMs = nowMs - this.lastDataMs;
    const contendedMs = this.memory.contendedMs(nowMs);
    if (contendedMs === null) return silentMs > limits.frameStallMs;
    return silentMs > limits.contendedStallMs || contendedMs > limits.frameStallMs;
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
    this.memory.ask(this.frames.frameBytes, this.frames.partialBytes);
    this.pump();
  }

  private admit(frame: Buffer): ParsedRequest {
    const request = parseRequest(frame, this.services, this.lastDataMs);
    request.meter.requests.add(1);
    request.meter.requestBytes.add(frame.length);
    this.memory.admit(frame.length);
    return request;
  }

  private goOn(): void {
    this.lastDataMs = this.services.clock.monotonicMs();
    this.updateReading();
  }

  private updateReading(): void {
    if (this.closing || this.draining) return;
    const full = this.queued > limits.queuedFramesMax || this.memory.waiting;
    if (full && !this.socket.isPaused()) this.socket.pause();
    else if (!full && this.socket.isPaused()) this.socket.resume();
  }

  /**
   * Starts what may start now; when that takes long, the rest after others have had their turn. One
   * that is answered at once goes on with the loop that has started it.
   */
  private pump(): void {
    if (this.pumping || this.turnOver) return;
    this.pumping = true;
    const { clock } = this.services;
    const endMs = clock.monotonicMs() + limits.turnMsMax;
    while (this.mayStart()) {
      const request = this.queue[this.queueHead++]!;
      this.start(request);
      if (this.queued > 0 && clock.monotonicMs() >= endMs) {
        this.takeNextTurn();
        break;
      }
    }
    this.pumping = false;
    if (this.queueHead > 256 || this.queueHead === this.queue.length) {
      this.queue.splice(0, this.queueHead);
      this.queueHead = 0;
    }
    this.updateReading();
  }

  private mayStart(): boolean {
    if (this.queued === 0 || this.closing || this.exclusiveOut) return false;
    if (this.pipelinedOut >= limits.pipelinedRequestsMax) return false;
    if (this.pipelinedOut > 0 && !this.queue[this.queueHead]!.pipelined) return false;
    return this.replies.unsentBytes <= limits.unsentReplyBytesMax;
  }

  private takeNextTurn(): void {
    this.turnOver = true;
    setImmediate(() => {
      this.turnOver = false;
      this.pump();
    });
  }

  private start(request: ParsedRequest): void {
    if (request.pipelined) this.pipelinedOut++;
    else this.exclusiveOut = true;
    const reply = this.replies.expect(request.meter, request.arrivedMs);
    const { signal } = this.gone;
    const scope = new RequestScope(this.services, request, this.clientHost, signal, reply, this);
    try {
      const answer = runRequest(request, scope);
      if (answer instanceof LaterAnswer) answer.whenEnded(scope);
      else if (answer instanceof Promise) this.awaitAnswer(scope, answer);
      else this.finish(scope, answer);
    } catch (error) {
      this.failed(scope, error);
    }
  }

  private awaitAnswer(scope: RequestScope, answer: Promise<unknown>): void {
    // Both in one call, and neither throws: one promise less each time.
    answer.then(
      (value) => this.answered(scope, value),
      (error: unknown) => this.failed(scope, error),
    );
  }

  answered(scope: RequestScope, answer: unknown): void {
    try {
      this.finish(scope, answer);
    } catch (error) {
      this.failed(scope, error);
    }
  }

  private finish({ request, reply, frameIsFree }: RequestScope, answer: unknown): void {
    const chunks = encodeAnswer(request, answer);
    if (request.pipelined) this.pipelinedOut--;
    else this.exclusiveOut = false;
    this.release(request);
    if (frameIsFree) this.services.framePool.giveBack(request.frame);
    this.replies.answer(reply, chunks);
    if (this.queued > 0) this.pump();
    else if (this.draining) this.endIfAnswered();
  }

  private endIfAnswered(): void {
    if (this.queued === 0 && this.outstanding === 0) {
      this.replies.whenSent(() => this.end());
    }
  }

  /** Ends our side, and waits for the client's, but not for one that is not there any more. */
  private end(): void {
    this.socket.end();
    const { clock } = this.services;
    const giveUp = () => this.close('the gateway stops');
    this.endTimer ??= clock.setTimer(limits.endAnswerMsMax, giveUp);
  }

  /** A request that has no answer ends the connection; what it has taken is given back. */
  failed({ request, reply }: RequestScope, error: unknown): void {
    this.release(request);
    this.replies.giveUp(reply);
    this.fail(error);
  }

  private fail(error: unknown): void {
    if (error instanceof MalformedError) this.close('malformed request', { error: error.message });
    else if (error instanceof CloseConnection) this.close(error.reason, error.fields);
    else this.close('a request failed', { error: error instanceof Error ? error.stack : error });
  }

  private onClose(): void {
    if (!this.closing) this.owner.closings.ended();
    this.closing = true;
    this.endTimer?.cancel();
    this.gone.abort();
    this.dropQueue();
    this.memory.close();
    this.replies.abandon();
    this.owner.gone(this);
  }

  private release(request: ParsedRequest): void {
    this.memory.release(request.frameBytes);
    request.frameBytes = 0;
  }

  private dropQueue(): void {
    for (const request of this.queue.slice(this.queueHead)) this.release(request);
    this.queue.length = 0;
    this.queueHead = 0;
  }
}
