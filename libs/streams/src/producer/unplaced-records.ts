import type { Clock } from '@sluice/base';
import type { Topic } from '@sluice/log';
import type { ConnectedLog } from '../connection/streams-connection';
import { verdictOnError } from './append-verdict';
import type { PendingRecord } from './pending-record';
import { producerLimits } from './producer-limits';
import { codeNamed } from './send-error';

/** What is needed to find a topic. */
export interface UnplacedOptions {
  clock: Clock;
  /** Topics are made that are not there. */
  createTopics: boolean;
  connect(): Promise<ConnectedLog>;
  /** Takes a record of a topic that was found. */
  place(record: PendingRecord, topic: Topic): void;
}

/** Records of topics that are not known yet, in the order in which they came. */
export class UnplacedRecords {
  readonly #byTopic = new Map<string, PendingRecord[]>();

  constructor(private readonly options: UnplacedOptions) {}

  /** Whether records of that topic wait, behind which others have to wait too. */
  has(topic: string): boolean {
    return this.#byTopic.has(topic);
  }

  add(record: PendingRecord): void {
    const waiting = this.#byTopic.get(record.topic);
    if (waiting !== undefined) return void waiting.push(record);
    this.#byTopic.set(record.topic, [record]);
    void this.#find(record.topic);
  }

  /** Fails the records whose time is over. */
  expire(nowMs: number, reason: string): void {
    for (const [topic, waiting] of this.#byTopic) {
      for (const record of waiting) {
        if (record.deadlineMs <= nowMs) record.fail('DELIVERY_TIMED_OUT', reason);
      }
      const left = waiting.filter(({ isSettled }) => !isSettled);
      this.#byTopic.set(topic, left);
    }
  }

  /** Looks for the topic, and has it made, for as long as somebody waits for it. */
  async #find(name: string): Promise<void> {
    const { retryDelayMsMin, retryDelayMsMax } = producerLimits;
    let delayMs: number = retryDelayMsMin;
    while ((this.#byTopic.get(name)?.length ?? 0) > 0) {
      if (await this.#tryToPlace(name)) return;
      await new Promise<void>((resolve) => this.options.clock.setTimer(delayMs, resolve));
      delayMs = Math.min(2 * delayMs, retryDelayMsMax);
    }
    this.#byTopic.delete(name);
  }

  /** False where it may be found later. */
  async #tryToPlace(name: string): Promise<boolean> {
    const { connect, place, createTopics } = this.options;
    let log: ConnectedLog;
    try {
      log = await connect();
    } catch (error) {
      const { message } = error as Error;
      this.#take(name, (record) => record.fail('NOT_CONNECTED', message, { cause: error }));
      return true;
    }
    try {
      const topic = await log.topics.ensure(name, { create: createTopics });
      if ('errorCode' in topic) {
        const code = codeNamed(topic.errorCode);
        this.#take(name, (record) => record.fail(code, topic.message));
      } else this.#take(name, (record) => place(record, topic));
      return true;
    } catch (error) {
      const failure = verdictOnError(error);
      if (failure.is !== 'refused') return false;
      const { code, reason } = failure;
      this.#take(name, (record) => record.fail(code, reason, { cause: error }));
      return true;
    }
  }

  #take(name: string, each: (record: PendingRecord) => void): void {
    const waiting = this.#byTopic.get(name) ?? [];
    this.#byTopic.delete(name);
    for (const record of waiting) each(record);
  }
}
