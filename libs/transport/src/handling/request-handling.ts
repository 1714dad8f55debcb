import { TroubleLog, type Clock, type Logger } from '@sluice/base';
import type { ConsumedRecord } from '@sluice/streams';
import { headerText, StreamContext } from '../context/stream-context';
import type { StreamsDriver } from '../driver';
import { messageOf } from '../errors/error-report';
import { UnrecoverableStreamException } from '../errors/stream-exceptions';
import type { Route } from '../handlers/routes';
import { faultOfOptions, verdictOn, type Verdict } from '../handlers/verdict';
import { streamHeaders } from '../headers';
import { deadLetter, originOf } from '../letters/letter';
import type { SideTopics } from '../letters/side-topics';
import type { PartitionRunner } from '../runner/partition-runner';
import { transportLimits } from '../transport-limits';
import type { StreamSerializer } from '../serialization/serialization';
import { Attempt } from './attempt';
import type { CallEnd, HandlerCall } from './handler-call';
import type { HandlingObserver } from './observer';
import { Replies } from './replies';

/** What a request says of who waits for its answer. */
export interface Request {
  correlationId: string;
  address: string;
}

/** What answering stands on. */
export interface RequestHandlingParts {
  clock: Clock;
  log: Logger;
  group: string;
  driver: Pick<StreamsDriver, 'sendReply'>;
  serializer: StreamSerializer;
  sideTopics: SideTopics;
  observer: HandlingObserver;
  call: (call: HandlerCall) => Promise<CallEnd>;
}

/** How long no answer may fail to be sent before the trouble is over. */
const quietMs = 30_000;

/** Nest's words for a request that nobody answers. */
const noHandler = 'There is no matching message handler defined in the remote service.';

/** Requests: their handlers' values go back to whoever asked, and so do their errors. */
export class RequestHandling {
  readonly #trouble: TroubleLog;
  /** Answers that are being sent while the next requests are handled. */
  #onTheirWay = 0;

  constructor(private readonly parts: RequestHandlingParts) {
    const { clock, log } = parts;
    this.#trouble = new TroubleLog({ clock, log, message: 'answers cannot be sent', quietMs });
  }

  /** What a record asks for; null for one that asks for no answer. */
  requestOf({ headers }: ConsumedRecord): Request | null {
    if (headers.length === 0) return null;
    const correlationId = headerText(headers, streamHeaders.correlationId);
    const address = headerText(headers, streamHeaders.replyStream);
    if (correlationId === undefined || address === undefined) return null;
    return { correlationId, address };
  }

  /** Answers that there is no handler. */
  async refuse(request: Request, record: ConsumedRecord): Promise<void> {
    await this.#repliesTo(request, record).fail({ status: 'error', message: noHandler });
  }

  /**
   * Handles a request to its last answer, and acknowledges it once that was sent. Resolves when the
   * next one may be handled: a single answer is on its way then.
   */
  async answer(
    runner: PartitionRunner,
    route: Route,
    record: ConsumedRecord,
    request: Request,
  ): Promise<void> {
    const replies = this.#repliesTo(request, record);
    for (let number = 1; ; number++) {
      const attempt = new Attempt([record], runner, number);
      const { end, elapsedMs } = await this.#attempt(route, record, attempt, replies);
      const count = (): void => this.#count(record, end, elapsedMs);
      if (runner.isLost) return count();
      const verdict = verdictOn(
        { ...end, action: attempt.action },
        number,
        record.offset,
        route.policy,
      );
      const isDone = end.kind === 'returned' && verdict.kind === 'acknowledge';
      if (isDone && this.#mayGoOn(replies)) {
        return void this.#sendBeside(replies, record, attempt, count);
      }
      count();
      // Whoever has got a part of the answer cannot be given another one.
      if (verdict.kind === 'retry' && replies.count === 0) {
        const error = end.kind === 'failed' ? end.error : undefined;
        this.parts.observer.retried(record, error, number, verdict.delayMs);
        if (await runner.wait([record], verdict.delayMs)) continue;
        return runner.release([record]);
      }
      if (end.kind === 'failed') await replies.fail(end.told);
      else await replies.end();
      if (verdict.kind !== 'dead-letter') this.parts.observer.handled(record.topic, 1);
      else if (!(await this.#bury(runner, route, record, number, verdict))) {
        return runner.release([record]);
      }
      return attempt.acknowledge();
    }
  }

  stop(): void {
    this.#trouble.stop();
  }

  /** Whoever has one answer to give need not wait for Redis to have it. */
  #mayGoOn(replies: Replies): boolean {
    return replies.count <= 1 && this.#onTheirWay < transportLimits.answersOnTheirWayMax;
  }

  /** @param count is called once the answer is gone: whoever asked waits for it. */
  async #sendBeside(
    replies: Replies,
    record: ConsumedRecord,
    attempt: Attempt,
    count: () => void,
  ): Promise<void> {
    this.#onTheirWay++;
    await replies.end();
    this.#onTheirWay--;
    count();
    this.parts.observer.handled(record.topic, 1);
    attempt.acknowledge();
  }

  async #attempt(
    route: Route,
    record: ConsumedRecord,
    attempt: Attempt,
    replies: Replies,
  ): Promise<{ end: CallEnd; elapsedMs: number | null }> {
    const { clock } = this.parts;
    const decoded = await decode(route, record);
    if ('kind' in decoded) return { end: decoded, elapsedMs: null };
    const startedMs = clock.monotonicMs();
    const context = new StreamContext(attempt);
    const onValue = (value: unknown): void => replies.next(value);
    const end = await this.parts.call({ route, data: decoded.value, attempt, context, onValue });
    return { end, elapsedMs: clock.monotonicMs() - startedMs };
  }

  /** @param elapsedMs null: no handler was called */
  #count({ topic }: ConsumedRecord, end: CallEnd, elapsedMs: number | null): void {
    if (elapsedMs === null) return;
    this.parts.observer.attempted(topic, 1, elapsedMs, end.kind === 'failed');
  }

  /** False: there is to be a dead letter, and it is not written. */
  async #bury(
    runner: PartitionRunner,
    route: Route,
    record: ConsumedRecord,
    attempts: number,
    { reason, error, fault }: Verdict & { kind: 'dead-letter' },
  ): Promise<boolean> {
    const { clock, group, log, observer, sideTopics } = this.parts;
    const { hasDeadLetters, deadLetterTopic } = route.policy;
    if (fault !== undefined) {
      log.error(faultOfOptions, { group, topic: record.topic, error: messageOf(fault) });
    }
    if (!hasDeadLetters) return true;
    const nowMs = clock.nowMs();
    const failure = { error, attempts, firstFailureMs: nowMs, lastFailureMs: nowMs };
    const origin = originOf(record, false);
    const letter = deadLetter(record, deadLetterTopic, group, origin, failure, reason);
    if ((await sideTopics.write(letter, record, runner)) !== 'written') return false;
    observer.deadLettered(record, letter.topic, reason, error);
    return true;
  }

  #repliesTo({ address, correlationId }: Request, { topic }: ConsumedRecord): Replies {
    const { driver, serializer } = this.parts;
    return new Replies({
      correlationId,
      topic,
      serializer,
      send: (frame) => driver.sendReply(address, frame),
      onFailure: (error) => this.#trouble.note({ topic, error: messageOf(error) }),
    });
  }
}

async function decode(
  route: Route,
  record: ConsumedRecord,
): Promise<{ value: unknown } | (CallEnd & { kind: 'failed' })> {
  try {
    return { value: await route.policy.deserializer.deserialize(record) };
  } catch (cause) {
    const message = 'the request cannot be decoded';
    const error = new UnrecoverableStreamException(message, { cause });
    return { kind: 'failed', error, told: { status: 'error', message } };
  }
}
