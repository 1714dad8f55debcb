import type { WantedSchedule } from './queue/schedule-keeper';

/** What the housekeeping is told by the settings. */
export interface HousekeepingOptions {
  /** Whether this process does jobs itself. */
  worker: boolean;
  /** Kafka's `log.retention.check.interval.ms`. */
  checkIntervalMs: number;
  /** Kafka's `producer.id.expiration.ms`. */
  producerIdExpirationMs: number;
  /** Kafka's `offsets.retention.minutes`, in ms. */
  offsetsRetentionMs: number;
  /** The Redis is Sluice's own: its append-only file is rewritten when most of it is dead. */
  redisManaged: boolean;
}

const minuteMs = 60_000;

/** How often what no setting tells is done. */
export const scheduleLimits = {
  /** What deleted topics have left; a deletion asks for it at once. */
  deletedTopicsEveryMs: minuteMs,
  /** Old offsets, empty groups, dead members. */
  groupsEveryMs: minuteMs,
  /** Idle producers, as Kafka looks for them, and offsets that are kept free. */
  partitionsEveryMs: 10 * minuteMs,
  appendOnlyFileEveryMs: minuteMs,
  /** The check of all keys, which removes nothing by itself. */
  fsckEveryMs: 24 * 60 * minuteMs,
};

/** The schedules that these settings ask for; those of topics in a hurry follow from the topics. */
export function schedulesFor(options: HousekeepingOptions): WantedSchedule[] {
  const { checkIntervalMs, redisManaged } = options;
  const limits = scheduleLimits;
  const schedules: WantedSchedule[] = [
    { kind: 'retention', everyMs: checkIntervalMs },
    { kind: 'deleted-topics', everyMs: limits.deletedTopicsEveryMs },
    { kind: 'groups', everyMs: limits.groupsEveryMs },
    { kind: 'partitions', everyMs: limits.partitionsEveryMs, isPatient: true },
    { kind: 'fsck', everyMs: limits.fsckEveryMs, isPatient: true },
  ];
  if (redisManaged) {
    schedules.push({ kind: 'append-only-file', everyMs: limits.appendOnlyFileEveryMs });
  }
  return schedules;
}
