import type { Clock, Logger } from '@sluice/base';
import type { ConsumedRecord } from '@sluice/streams';
import { StreamContext } from '../context/stream-context';
import { messageOf } from '../errors/error-report';
import { streamExceptionKind } from '../errors/stream-exceptions';
import type { Route, TopicPlan } from '../handlers/routes';
import {
  faultOfOptions,
  verdictOn,
  type DeadLetterReason,
  type Verdict,
} from '../handlers/verdict';
import { deadLetter, originOf, retryLetter, type Failure, type Origin } from '../letters/letter';
import type { SideTopics } from '../letters/side-topics';
import type { PartitionRunner } from '../runner/partition-runner';
import { transportLimits } from '../transport-limits';
import { Attempt } from './attempt';
import type { CallEnd, HandlerCall } from './handler-call';
import type { HandlingObserver } from './observer';
import type { RequestHandling } from './request-handling';

/** What handling stands on. */
export interface RecordHandlingParts {
  clock: Clock;
  log: Logger;
  group: string;
  sideTopics: SideTopics;
  observer: HandlingObserver;
  requests: RequestHandling;
  /** The type of a record, of a topic with handlers for several. */
  eventTypeOf: (record: ConsumedRecord) => string | undefined;
  /** Whether a topic is one of this group's retry topics. */
  isRetryTopic: (topic: string) => boolean;
  call: (call: HandlerCall) => Promise<CallEnd>;
}

/** Records that are handled together, and what happened to them so far. */
interface Work {
  runner: PartitionRunner;
  route: Route;
  records: readonly ConsumedRecord[];
  attempt: number;
  firstFailureMs: number | null;
}

/** The records of a lane, from their handler's first attempt to their acknowledgement. */
export class RecordHandling {
  constructor(private readonly parts: RecordHandlingParts) {}

  /**
   * Never rejects: after a fault of what stands around handlers the same records are tried again,
   * with pauses, and what is behind them in their lane waits.
   */
  async handle(runner: PartitionRunner, records: readonly ConsumedRecord[]): Promise<void> {
    const { faultDelayMs, faultDelayMsMax } = transportLimits;
    for (let delayMs = faultDelayMs; ; delayMs = Math.min(2 * delayMs, faultDelayMsMax)) {
      try {
        if (runner.plan.lanes.isBatch) await this.#handleBatch(runner, records);
        else for (const record of records) await this.#handleOne(runner, record);
        return;
      } catch (error) {
        this.#tellFault('records could not be handled, and are tried again', records[0]!, error);
      }
      if (!(await runner.wait(records, delayMs))) return runner.release(records);
    }
  }

  async #handleOne(runner: PartitionRunner, record: ConsumedRecord): Promise<void> {
    const { plan } = runner;
    const { requests } = this.parts;
    const request = requests.requestOf(record);
    if (request !== null && plan.request !== null) {
      return requests.answer(runner, plan.request, record, request);
    }
    const { route, error } = this.#routeOf(plan, record);
    if (route !== null) {
      const attempt = this.#originOf(record).attempts + 1;
      return this.#work({ runner, route, records: [record], attempt, firstFailureMs: null });
    }
    if (request !== null) await requests.refuse(request, record);
    const first = [...plan.events.values()][0]!;
    await this.#bury(
      { runner, route: first, records: [record], attempt: 0, firstFailureMs: null },
      [{ record, reason: 'unroutable', error }],
    );
  }

  /** Whose a record is that waits for no answer; null with the reason where it is nobody's. */
  #routeOf(
    { events, unasked }: TopicPlan,
    record: ConsumedRecord,
  ): { route: Route | null; error: unknown } {
    const ofAll = events.get(undefined) ?? null;
    if (ofAll !== null && events.size === 1) return { route: ofAll, error: null };
    if (events.size === 0) return { route: unasked, error: null };
    try {
      const type = this.parts.eventTypeOf(record);
      const route = events.get(type) ?? ofAll;
      const error = new Error(`no handler is for records of the type ${type ?? 'none'}`);
      return { route, error: route === null ? error : null };
    } catch (error) {
      return { route: null, error };
    }
  }

  /** Each by how often it was tried: in a retry topic the records of a batch differ in that. */
  async #handleBatch(runner: PartitionRunner, records: readonly ConsumedRecord[]): Promise<void> {
    const route = [...runner.plan.events.values()][0]!;
    const byAttempt = new Map<number, ConsumedRecord[]>();
    for (const record of records) {
      const attempt = this.#originOf(record).attempts + 1;
      const alike = byAttempt.get(attempt);
      if (alike === undefined) byAttempt.set(attempt, [record]);
      else alike.push(record);
    }
    for (const [attempt, alike] of byAttempt) {
      await this.#work({ runner, route, records: alike, attempt, firstFailureMs: null });
    }
  }

  /** Attempts, until the records are acknowledged, in another topic, or released. */
  async #work(work: Work): Promise<void> {
    const { runner, route, records } = work;
    for (;;) {
      const decoded = await this.#decode(work);
      if (decoded.undecodable.length > 0) {
        await this.#bury(work, decoded.undecodable);
        const bad = new Set(decoded.undecodable.map(({ record }) => record));
        const rest = records.filter((record) => !bad.has(record));
        return rest.length === 0 ? undefined : this.#work({ ...work, records: rest });
      }
      const attempt = new Attempt(records, runner, work.attempt);
      const end = decoded.failure ?? (await this.#attempt(work, attempt, decoded.values));
      attempt.end();
      if (runner.isLost) return;
      const offset = records[0]!.offset;
      const verdict = verdictOn(
        { ...end, action: attempt.action },
        work.attempt,
        offset,
        route.policy,
      );
      if (await this.#obey(work, attempt, verdict, end)) return;
      if (verdict.kind === 'retry' && verdict.isFailure) work.attempt++;
    }
  }

  /** Resolves to whether the records are dealt with; else they are to be tried again. */
  async #obey(work: Work, attempt: Attempt, verdict: Verdict, end: CallEnd): Promise<boolean> {
    const { runner, records } = work;
    const { observer } = this.parts;
    const [first] = records;
    switch (verdict.kind) {
      case 'skip':
        if (end.kind === 'failed') observer.failedAfterwards(first!, end.error);
        for (const record of records) observer.skipped(record, verdict.reason);
        attempt.acknowledge();
        return true;
      case 'acknowledge':
        if (end.kind === 'failed') observer.failedAfterwards(first!, end.error);
        observer.handled(first!.topic, records.length);
        attempt.acknowledge();
        return true;
      case 'dead-letter':
        work.firstFailureMs ??= this.parts.clock.nowMs();
        if (verdict.fault !== undefined) this.#tellFault(faultOfOptions, first!, verdict.fault);
        await this.#giveUp(work, verdict.reason, verdict.error);
        return true;
      case 'retry': {
        work.firstFailureMs ??= this.parts.clock.nowMs();
        const error =
          end.kind === 'failed' ? end.error : new Error('the handler asked for a retry');
        for (const record of records) {
          observer.retried(record, error, work.attempt, verdict.delayMs);
        }
        if (work.route.policy.retryMode === 'topic') {
          await this.#retryLater(work, error, verdict.delayMs, verdict.isFailure);
          return true;
        }
        if (await runner.wait(records, verdict.delayMs)) return false;
        runner.release(records);
        return true;
      }
    }
  }

  /** What one record spoils is tried record by record, so that only that one is a dead letter. */
  async #giveUp(work: Work, reason: DeadLetterReason, error: unknown): Promise<void> {
    const { runner, route, records } = work;
    if (records.length === 1 || reason === 'asked-by-handler') {
      return this.#bury(
        work,
        records.map((record) => ({ record, reason, error })),
      );
    }
    for (const record of records) {
      if (!runner.mayBegin(record)) runner.release([record]);
      else await this.#work({ ...work, records: [record], attempt: route.policy.attempts });
    }
  }

  async #bury(
    work: Work,
    letters: readonly { record: ConsumedRecord; reason: DeadLetterReason; error: unknown }[],
  ): Promise<void> {
    const { runner, route, attempt } = work;
    const { group, sideTopics, observer } = this.parts;
    const { hasDeadLetters, deadLetterTopic } = route.policy;
    for (const { record, reason, error } of letters) {
      let topic: string | null = null;
      if (hasDeadLetters) {
        const failure = this.#failureOf(work, error, attempt);
        const origin = this.#originOf(record);
        const letter = deadLetter(record, deadLetterTopic, group, origin, failure, reason);
        if ((await sideTopics.write(letter, record, runner)) !== 'written') {
          runner.release([record]);
          continue;
        }
        topic = letter.topic;
      }
      observer.deadLettered(record, topic, reason, error);
      runner.acknowledge([record]);
    }
  }

  async #retryLater(work: Work, error: unknown, delayMs: number, counts: boolean): Promise<void> {
    const { runner, records, attempt } = work;
    const { group, sideTopics } = this.parts;
    const failure = this.#failureOf(work, error, counts ? attempt : attempt - 1);
    for (const record of records) {
      const letter = retryLetter(record, group, this.#originOf(record), failure, delayMs);
      const outcome = await sideTopics.write(letter, record, runner);
      if (outcome === 'written') runner.acknowledge([record]);
      else if (outcome === 'too-large') await this.#retryHere(work, record, delayMs, counts);
      else runner.release([record]);
    }
  }

  /** For a record that fills its topic's limit, so that with its story it is above the other's. */
  async #retryHere(
    work: Work,
    record: ConsumedRecord,
    delayMs: number,
    counts: boolean,
  ): Promise<void> {
    const attempt = counts ? work.attempt + 1 : work.attempt;
    const { runner } = work;
    if (!(await runner.wait([record], delayMs))) return runner.release([record]);
    await this.#work({ ...work, records: [record], attempt });
  }

  async #attempt(work: Work, attempt: Attempt, values: unknown[]): Promise<CallEnd> {
    const { clock, observer } = this.parts;
    const { route, records } = work;
    const data = route.policy.isBatch ? values : values[0];
    const startedMs = clock.monotonicMs();
    const context = new StreamContext(attempt);
    const end = await this.parts.call({ route, data, attempt, context, onValue: ignored });
    const elapsedMs = clock.monotonicMs() - startedMs;
    observer.attempted(records[0]!.topic, records.length, elapsedMs, end.kind === 'failed');
    return end;
  }

  /** The values; or the records that nobody can read; or why they cannot be read now. */
  async #decode({ route, records }: Work) {
    const { deserializer } = route.policy;
    const values: unknown[] = [];
    const undecodable: { record: ConsumedRecord; reason: DeadLetterReason; error: unknown }[] = [];
    for (const record of records) {
      try {
        const value = deserializer.deserialize(record);
        values.push(value instanceof Promise ? await value : value);
      } catch (error) {
        if (streamExceptionKind(error) === 'retriable') {
          const failure: CallEnd = { kind: 'failed', error, told: error };
          return { values, undecodable: [], failure };
        }
        undecodable.push({ record, reason: 'undecodable', error });
      }
    }
    return { values, undecodable, failure: null };
  }

  #originOf(record: ConsumedRecord): Origin {
    return originOf(record, this.parts.isRetryTopic(record.topic));
  }

  #tellFault(message: string, record: ConsumedRecord, fault: unknown): void {
    const { topic, partition, offset } = record;
    const { group, log } = this.parts;
    log.error(message, { group, topic, partition, offset, error: messageOf(fault) });
  }

  #failureOf(work: Work, error: unknown, attempts: number): Failure {
    const lastFailureMs = this.parts.clock.nowMs();
    return { error, attempts, firstFailureMs: work.firstFailureMs ?? lastFailureMs, lastFailureMs };
  }
}

const ignored = (): void => {};
