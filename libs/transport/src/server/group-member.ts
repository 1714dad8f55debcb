import type { Clock, Logger } from '@sluice/base';
import type {
  ConsumedRecord,
  ConsumerSettings,
  OwnedPartition,
  RecordConsumer,
  RecordSink,
} from '@sluice/streams';
import type { StreamsDriver } from '../driver';
import type { TopicPlan } from '../handlers/routes';
import { dueMsOf } from '../letters/letter';
import { PartitionRunner, type PartitionRunnerOptions } from '../runner/partition-runner';
import type { RunningCalls } from '../handling/running-calls';
import type { MemberPlan } from './group-members';
import type { MemberHealth } from './server-events';

/** What a member of a group is made of. */
export interface GroupMemberOptions {
  clock: Clock;
  log: Logger;
  driver: StreamsDriver;
  settings: ConsumerSettings;
  member: MemberPlan;
  /** How long a partition waits for what is in flight when it is to be let go. */
  drainMs: number;
  planFor: (topic: string) => TopicPlan | null;
  /** The calls of its handlers. */
  calls: RunningCalls;
  handle: PartitionRunnerOptions['handle'];
}

/** One consumer, and the runners of the partitions that it owns. */
export class GroupMember implements RecordSink {
  readonly consumer: RecordConsumer;
  readonly #runners = new WeakMap<OwnedPartition, PartitionRunner>();

  constructor(private readonly options: GroupMemberOptions) {
    this.consumer = options.driver.createConsumer(options.settings, this);
  }

  health(): MemberHealth {
    const { calls } = this.options;
    const health = this.consumer.health();
    const partitions = health.partitions.map((one) => ({
      ...one,
      oldestCallMs: calls.oldestMs(one.topic, one.partition),
    }));
    return { ...health, partitions };
  }

  take(partition: OwnedPartition, records: readonly ConsumedRecord[]): void {
    const runner = this.#runners.get(partition) ?? this.#runnerOf(partition);
    if (runner !== null) return runner.take(records);
    for (const { offset } of records) partition.release(offset);
  }

  #runnerOf(partition: OwnedPartition): PartitionRunner | null {
    const { clock, drainMs, handle, log, member, planFor } = this.options;
    const { topic, group } = partition;
    const plan = planFor(topic);
    if (plan === null) {
      log.error('records came of a topic that no handler is for', { topic, group });
      return null;
    }
    const waitMsOf = member.retryTopics.has(topic)
      ? (record: ConsumedRecord) => dueMsOf(record) - clock.nowMs()
      : () => 0;
    const isAtMostOnce = member.delivery === 'at-most-once';
    const runner = new PartitionRunner({
      clock,
      partition,
      plan,
      waitMsOf,
      drainMs,
      isAtMostOnce,
      handle,
    });
    this.#runners.set(partition, runner);
    return runner;
  }
}
