import type { GroupHousekeeping } from '@sluice/groups';
import type { DeletedTopicSweeper, DeliverySweeper, PartitionCare } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import type { Task, TaskResult } from '../queue/kinds';

/** Frees the keys of deleted topics, and their offsets in all groups. */
export function deletedTopicsTask(
  sweeper: Pick<DeletedTopicSweeper, 'sweep'>,
  groups: Pick<GroupHousekeeping, 'forgetTopic' | 'sweep'>,
): Task {
  return {
    async run(_data, signal) {
      let ids = 0;
      const { topics, partitions, keys } = await sweeper.sweep(signal, async (topicId) => {
        ids++;
        await groups.forgetTopic(topicId);
      });
      if (ids > 0 && !signal.aborted) await groups.sweep(signal);
      return { keys, details: { topics, partitions } };
    },
  };
}

/** Old offsets, groups of which nothing is left, dead members. */
export function groupsTask(groups: Pick<GroupHousekeeping, 'sweep'>): Task {
  return {
    async run(_data, signal) {
      const report = await groups.sweep(signal);
      return { keys: report.removedGroups + report.removedOffsets, details: { ...report } };
    },
  };
}

/** Idle producers, offsets that are kept free, and what is kept of groups that are gone. */
export function partitionsTask(
  care: Pick<PartitionCare, 'run'>,
  sweeper: Pick<DeliverySweeper, 'run'>,
): Task {
  return {
    async run(_data, signal) {
      const deliveries = await sweeper.run(signal);
      const { partitions, producers } = await care.run(signal);
      return { keys: producers + deliveries, details: { partitions, producers, deliveries } };
    },
  };
}

/** The append-only file of a Redis of our own; another's is left alone. */
export function appendOnlyFileTask(
  redis: Pick<RedisLink, 'rewriteDeadFile'>,
  isManaged: boolean,
): Task {
  return {
    async run(): Promise<TaskResult> {
      if (!isManaged) return { details: { skipped: true } };
      const sizes = await redis.rewriteDeadFile();
      if (sizes === null) return { details: { rewritten: false } };
      const bytes = Math.max(0, sizes.fileBytes - sizes.dataBytes);
      return { bytes, details: { rewritten: true, ...sizes } };
    },
  };
}
