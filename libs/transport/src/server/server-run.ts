import type { Clock, Logger } from '@sluice/base';
import {
  consumerLimits,
  type ConsumerSettings,
  type RecordConsumer,
  type RecordProducer,
} from '@sluice/streams';
import type { Routes } from '../handlers/routes';
import { callHandler, type RunWithHooks } from '../handling/handler-call';
import { RecordHandling } from '../handling/record-handling';
import { RequestHandling } from '../handling/request-handling';
import { RunningCalls } from '../handling/running-calls';
import { SideTopics } from '../letters/side-topics';
import { jsonSerializer } from '../serialization/json';
import { tracedCalls } from '../tracing/consumer-spans';
import { GroupMember } from './group-member';
import { membersOf, planFor, type MemberPlan } from './group-members';
import { HandlingReports } from './handling-reports';
import {
  statusOf,
  type ServerEvents,
  type StreamsServerHealth,
  type StreamsStatus,
} from './server-events';
import { usualMetrics } from '../prom-metrics';
import { transportLimits } from '../transport-limits';
import { eventTypeInHeaders, type StreamsServerOptions } from './server-options';
import { StreamMetrics } from './stream-metrics';

/** What a server gives to its run. */
export interface ServerRunOptions {
  options: StreamsServerOptions;
  drainTimeoutMs: number;
  clock: Clock;
  log: Logger;
  routes: Routes;
  events: ServerEvents;
  runWithHooks: RunWithHooks;
  onStatus: (status: StreamsStatus) => void;
}

/** A server from its `listen` to its `close`. */
export class ServerRun {
  readonly #sideTopics: SideTopics;
  readonly #producer: RecordProducer;
  readonly #metrics: StreamMetrics;
  readonly #members: GroupMember[];
  readonly #requests: RequestHandling[] = [];
  #closing: Promise<void> | null = null;
  #stopStarting: () => void = () => undefined;

  constructor(private readonly parts: ServerRunOptions) {
    const { clock, log, options, routes } = parts;
    const plans = membersOf(routes.all);
    this.#producer = options.driver.createProducer(options.producer);
    this.#sideTopics = new SideTopics({ producer: this.#producer, clock, log });
    this.#metrics = new StreamMetrics(usualMetrics(options.metrics));
    this.#members = plans.map((plan) => this.#member(plan));
    this.#metrics.observe(() => this.health().members);
  }

  get consumers(): RecordConsumer[] {
    return this.#members.map(({ consumer }) => consumer);
  }

  /**
   * Resolves when it has begun, or has been closed meanwhile: a driver may wait for its Redis for
   * as long as nobody closes it.
   *
   * @throws what a consumer says that cannot join its group
   */
  async start(): Promise<void> {
    const stopped = new Promise<void>((resolve) => (this.#stopStarting = resolve));
    await Promise.race([this.#begin(), stopped]);
  }

  async #begin(): Promise<void> {
    await this.parts.options.driver.connect?.();
    if (this.#closing !== null) return;
    try {
      await Promise.all(this.consumers.map((consumer) => consumer.start()));
    } catch (error) {
      if (this.#closing === null) throw error;
    }
    this.#tellStatus();
  }

  close(): Promise<void> {
    this.#stopStarting();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  health(): StreamsServerHealth {
    const members = this.#members.map((member) => member.health());
    const status = statusOf(members.map((member) => member.status));
    const problems = members.flatMap(({ group, problem }) =>
      problem === null ? [] : [`group ${group}: ${problem}`],
    );
    const ofMembers = problems.length > 0 ? problems.join('; ') : null;
    return { status, problem: this.#sideTopics.problem ?? ofMembers, members };
  }

  async #close(): Promise<void> {
    const { drainTimeoutMs, log } = this.parts;
    const ends = await Promise.allSettled(
      this.consumers.map((consumer) => consumer.close(drainTimeoutMs)),
    );
    for (const end of ends) {
      if (end.status === 'rejected') {
        log.error('a group could not be left in order', { error: String(end.reason) });
      }
    }
    await this.#producer.close().catch((error: unknown) => {
      log.error('the producer could not be closed in order', { error: String(error) });
    });
    this.#sideTopics.stop();
    for (const requests of this.#requests) requests.stop();
    this.#metrics.stop();
    this.#tellStatus();
  }

  #member(member: MemberPlan): GroupMember {
    const { clock, drainTimeoutMs, events, log, options, routes } = this.parts;
    const { group } = member;
    const calls = new RunningCalls(clock);
    const handling = this.#handling(member, calls);
    const created = new GroupMember({
      clock,
      log,
      driver: options.driver,
      settings: this.#settingsOf(member),
      member,
      drainMs: drainTimeoutMs,
      calls,
      planFor: (topic) => planFor(member, routes, topic),
      handle: (runner, records) => handling.handle(runner, records),
    });
    const { consumer } = created;
    consumer.onStatus(() => this.#tellStatus());
    consumer.onAssigned((partitions) => events.emit('assigned', group, partitions));
    consumer.onRevoked((partitions) => events.emit('revoked', group, partitions));
    return created;
  }

  #handling(member: MemberPlan, calls: RunningCalls): RecordHandling {
    const { clock, events, log, options, runWithHooks } = this.parts;
    const { group, retryTopics } = member;
    const { driver, serializer = jsonSerializer, eventTypeOf = eventTypeInHeaders } = options;
    const sideTopics = this.#sideTopics;
    const observer = new HandlingReports({ group, log, events, metrics: this.#metrics });
    const call = calls.noting(tracedCalls((one) => callHandler(one, runWithHooks, clock)));
    const shared = { clock, log, group, sideTopics, observer, call };
    const requests = new RequestHandling({ ...shared, driver, serializer });
    this.#requests.push(requests);
    const isRetryTopic = (topic: string) => retryTopics.has(topic);
    return new RecordHandling({ ...shared, requests, eventTypeOf, isRetryTopic });
  }

  #settingsOf({ group, delivery, startFrom, topics, recordsAtOnce }: MemberPlan): ConsumerSettings {
    const { drainTimeoutMs, options } = this.parts;
    const drainMs = drainTimeoutMs;
    const settings = { group, topics, delivery, startFrom, drainMs, ...options.consumer };
    if (settings.inFlightRecordsMax !== undefined) return settings;
    const usual =
      delivery === 'at-most-once'
        ? transportLimits.atMostOnceRecordsMax
        : consumerLimits.inFlightRecordsMax;
    // While one batch is handled, the next is there already.
    return { ...settings, inFlightRecordsMax: Math.max(usual, 2 * recordsAtOnce) };
  }

  #tellStatus(): void {
    const { events, onStatus } = this.parts;
    const { status } = this.health();
    onStatus(status);
    events.emit('status', status);
  }
}
