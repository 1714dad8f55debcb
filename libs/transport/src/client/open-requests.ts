import type { WritePacket } from '@nestjs/microservices';
import type { Clock, Timer } from '@sluice/base';
import type { ReplyFrame } from '../driver';
import type { StreamDeserializer } from '../serialization/serialization';
import { StreamRequestError, type RequestProblem } from './request-error';

/** What requests work with. */
export interface OpenRequestsOptions {
  clock: Clock;
  deserializer: StreamDeserializer;
  /** How long one waits for its answer, or for the next one. */
  timeoutMs: number;
  requestsMax: number;
}

interface OpenRequest {
  readonly topic: string;
  readonly callback: (packet: WritePacket) => void;
  timer: Timer;
  /** Frames that have come. */
  frames: number;
  /** Set while an answer before is being read by a deserialiser that takes its time. */
  turn: Promise<void> | null;
}

/** The requests of one client that wait for answers. */
export class OpenRequests {
  readonly #open = new Map<string, OpenRequest>();
  #lastId = 0;

  constructor(private readonly options: OpenRequestsOptions) {}

  get count(): number {
    return this.#open.size;
  }

  /**
   * A request begins to wait; `callback` gets its answers and its end.
   *
   * @returns the id that its answers bear
   * @throws StreamRequestError when too many wait
   */
  begin(topic: string, callback: (packet: WritePacket) => void): string {
    const { requestsMax } = this.options;
    if (this.#open.size >= requestsMax) {
      const message = `${requestsMax} other requests of this client wait for answers`;
      throw new StreamRequestError('too-many', topic, message);
    }
    const id = String(++this.#lastId);
    this.#open.set(id, { topic, callback, timer: this.#timer(id, topic), frames: 0, turn: null });
    return id;
  }

  /** Nobody waits for it any more; answers that come are dropped. */
  forget(id: string): void {
    this.#open.get(id)?.timer.cancel();
    this.#open.delete(id);
  }

  /** It will have no answer. */
  fail(id: string, error: unknown): void {
    const request = this.#open.get(id);
    if (request === undefined) return;
    this.forget(id);
    request.callback({ err: error, isDisposed: true });
  }

  /** None of those that wait will have an answer. */
  failAll(problem: RequestProblem, message: string): void {
    for (const [id, { topic }] of this.#open) {
      this.fail(id, new StreamRequestError(problem, topic, message));
    }
  }

  /** An answer has come. */
  take(frame: ReplyFrame): void {
    const { correlationId: id } = frame;
    const request = this.#open.get(id);
    if (request === undefined) return;
    request.timer.cancel();
    const { number = request.frames } = frame;
    // What an error says holds, whatever came before it.
    if (number !== request.frames++ && frame.error === null) {
      const message = `answers are missing before the one with number ${number}`;
      return this.fail(id, new StreamRequestError('answers-lost', request.topic, message));
    }
    if (!frame.isLast) request.timer = this.#timer(id, request.topic);
    const read = (): void | Promise<void> => this.#read(id, request, frame);
    const reading = request.turn === null ? read() : request.turn.then(read);
    if (!(reading instanceof Promise)) return;
    const turn = reading.finally(() => {
      if (request.turn === turn) request.turn = null;
    });
    request.turn = turn;
  }

  #read(id: string, request: OpenRequest, frame: ReplyFrame): void | Promise<void> {
    const { value, error, isLast } = frame;
    try {
      if (error !== null) return this.fail(id, JSON.parse(error.toString()));
      if (value === null) return this.#tell(id, request, { isDisposed: isLast });
      const read = this.options.deserializer.deserialize(recordOf(request.topic, value));
      const tell = (response: unknown): void => {
        this.#tell(id, request, { response, isDisposed: isLast });
      };
      if (!(read instanceof Promise)) return tell(read);
      return read.then(tell, (failure: unknown) => this.#undecodable(id, request, failure));
    } catch (failure) {
      this.#undecodable(id, request, failure);
    }
  }

  #tell(id: string, request: OpenRequest, packet: WritePacket): void {
    if (this.#open.get(id) !== request) return;
    if (packet.isDisposed === true) this.forget(id);
    request.callback(packet);
  }

  #undecodable(id: string, { topic }: OpenRequest, cause: unknown): void {
    const message = `what came cannot be read: ${(cause as Error)?.message ?? String(cause)}`;
    this.fail(id, new StreamRequestError('undecodable', topic, message, { cause }));
  }

  #timer(id: string, topic: string): Timer {
    const { clock, timeoutMs } = this.options;
    return clock.setTimer(timeoutMs, () => {
      const message = `none came within ${timeoutMs} ms`;
      this.fail(id, new StreamRequestError('timed-out', topic, message));
    });
  }
}

/** An answer as a deserialiser takes it; it lies in no topic. */
function recordOf(topic: string, value: Buffer) {
  return {
    topic,
    partition: -1,
    offset: -1,
    timestampMs: -1,
    key: null,
    value,
    headers: [],
    mayBeRepeated: false,
  };
}
