import { Controller, Inject, Param, Query } from '@nestjs/common';
import { deleteRecordsBefore, toLogEnd, type PartitionRates, type Rate } from '@sluice/broker';
import type { Placement } from '@sluice/cluster';
import type { PartitionBounds, PartitionRef, Topic } from '@sluice/log';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { problemOfKafkaError } from '../http/problem-of-error';
import { Problem } from '../http/problems';
import { adminLimits } from '../limits';
import { ADMIN_PARTS } from '../tokens';
import { findTopic, partitionRefs } from '../topics/topic-lookup';
import {
  DeletedRecords,
  DeletedRecordsQuery,
  PartitionPage,
  PartitionsQuery,
  PartitionView,
  RateView,
} from './partition.views';

/** The partitions of a topic. */
@Controller({ path: 'topics/:topic/partitions', version: '1' })
export class PartitionsController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: "List a topic's partitions",
    answers: () => PartitionPage,
    problems: ['unknown-topic', 'redis-unavailable'],
  })
  async listPartitions(
    @Param('topic') name: string,
    @Query() query: PartitionsQuery,
  ): Promise<PartitionPage> {
    const { limit = adminLimits.pageItems, after = -1, memory = false } = query;
    const topic = findTopic(this.parts.catalog, name);
    const end = Math.min(topic.partitions, after + 1 + limit);
    const partitions = await this.#views(topic, partitionRefs(topic, after + 1, end), memory);
    return { partitions, next: end < topic.partitions ? end - 1 : null };
  }

  @Endpoint('GET', ':partition', {
    role: 'read',
    summary: 'Describe a partition',
    answers: () => PartitionView,
    problems: ['unknown-topic', 'unknown-partition', 'redis-unavailable'],
  })
  async describePartition(
    @Param('topic') name: string,
    @Param('partition') number: string,
  ): Promise<PartitionView> {
    const topic = findTopic(this.parts.catalog, name);
    const partition = findPartition(topic, number);
    const [view] = await this.#views(topic, partitionRefs(topic, partition, partition + 1), true);
    if (view) return view;
    throw unknownPartition(topic, number);
  }

  @Endpoint('DELETE', ':partition/records', {
    role: 'admin',
    summary: "Delete a partition's oldest records",
    about:
      'The log then begins at `before`. Consumers below it go where their `auto.offset.reset` ' +
      'says. Works while Redis is full.',
    answers: () => DeletedRecords,
    problems: [
      'unknown-topic',
      'unknown-partition',
      'offset-out-of-range',
      'redis-unavailable',
      'outcome-unknown',
    ],
  })
  async deleteRecords(
    @Param('topic') name: string,
    @Param('partition') number: string,
    @Query() { before, dryRun = false }: DeletedRecordsQuery,
  ): Promise<DeletedRecords> {
    const { catalog, store, broker } = this.parts;
    const topic = findTopic(catalog, name);
    const partition = findPartition(topic, number);
    const bounds = await store.bounds(partitionRefs(topic, partition, partition + 1)[0]!);
    if (!bounds) throw unknownPartition(topic, number);
    const { logStartOffset: start, highWatermark: end } = bounds;
    const asked = before === 'end' ? end : Number(before);
    if (dryRun) {
      if (asked > end) throw beyondEnd(asked, end);
      const logStartOffset = Math.max(start, asked);
      return { logStartOffset, records: logStartOffset - start, dryRun };
    }
    const beforeOffset = before === 'end' ? toLogEnd : asked;
    const range = { topic: name, partition, beforeOffset };
    const outcome = await deleteRecordsBefore(broker.services, range);
    if ('errorCode' in outcome) throw problemOfKafkaError(outcome.errorCode, outcome.errorMessage);
    const { logStartOffset } = outcome;
    return { logStartOffset, records: Math.max(0, logStartOffset - start), dryRun };
  }

  /** Those that are still there. */
  async #views(
    topic: Topic,
    refs: readonly PartitionRef[],
    memory: boolean,
  ): Promise<PartitionView[]> {
    const { store, broker } = this.parts;
    const { cluster, partitions } = broker.services;
    const placements = cluster.placementsOf(topic);
    const [bounds, bytes] = await Promise.all([
      store.boundsMany(refs),
      memory ? store.memoryBytes(refs) : [],
    ]);
    return refs.flatMap(({ topicId, partition }, index) => {
      const one = bounds[index];
      if (!one) return [];
      const rates = ratesView(partitions.ratesOf(topicId, partition));
      const view = { ...partitionView(partition, placements[partition]!, one), ...rates };
      return memory ? [{ ...view, memoryBytes: bytes[index] ?? null }] : [view];
    });
  }
}

function partitionView(partition: number, placement: Placement, bounds: PartitionBounds) {
  const { leaderId, replicas } = placement;
  const { leaderEpoch, logStartOffset, logEndOffset, highWatermark } = bounds;
  const { batches, bytes, maxTimestampMs } = bounds;
  return {
    partition,
    leader: leaderId === -1 ? null : leaderId,
    replicas: [...replicas],
    leaderEpoch,
    logStartOffset,
    logEndOffset,
    highWatermark,
    records: logEndOffset - logStartOffset,
    batches,
    bytes,
    maxTimestamp: timeOf(maxTimestampMs),
  };
}

function ratesView({ produced, consumed }: PartitionRates) {
  return { produced: rateView(produced), consumed: rateView(consumed) };
}

function rateView({ recordsPerSecond, bytesPerSecond }: Rate): RateView {
  return { recordsPerSecond: tenths(recordsPerSecond), bytesPerSecond: tenths(bytesPerSecond) };
}

/** Enough for people, and what is rare is not told as nothing. */
function tenths(rate: number): number {
  return Math.round(rate * 10) / 10;
}

/** A producer may have given its record any 64 bits as a time. */
function timeOf(ms: number): string | null {
  const time = new Date(ms);
  return ms < 0 || Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/**
 * The number of a partition that a topic has.
 *
 * @throws Problem
 */
export function findPartition(topic: Topic, text: string): number {
  if (!/^\d{1,10}$/.test(text)) {
    const errors = [{ field: 'partition', message: 'must be a whole number' }];
    throw new Problem('invalid-request', 'Partitions have numbers, from 0 up.', { errors });
  }
  const partition = Number(text);
  if (partition < topic.partitions) return partition;
  throw unknownPartition(topic, text);
}

function unknownPartition({ name, partitions }: Topic, text: string): Problem {
  const detail = `Topic '${name}' has no partition ${text}; it has 0 to ${partitions - 1}.`;
  return new Problem('unknown-partition', detail);
}

function beyondEnd(offset: number, end: number): Problem {
  return new Problem('offset-out-of-range', `The log ends at ${end}, before ${offset}.`);
}
