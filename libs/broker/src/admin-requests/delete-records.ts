import { ErrorCode } from '@sluice/wire';
import type { BrokerServices } from '../requests/context';
import { type Outcome, refuse } from './outcome';

/** Means: all that is there. */
export const toLogEnd = -1;

/** Which records of which partition are to go. */
export interface DeletedRange {
  topic: string;
  partition: number;
  /** The offset that the log then begins at; `toLogEnd` takes all. */
  beforeOffset: number;
}

/**
 * Moves a partition's log start forward, and frees what lies below it. Works while Redis is full.
 *
 * @throws RedisUnavailable | UnknownOutcome as `PartitionStore.deleteRecords`
 */
export async function deleteRecordsBefore(
  { catalog, partitions }: BrokerServices,
  { topic: name, partition: index, beforeOffset }: DeletedRange,
): Promise<{ logStartOffset: number } | Outcome> {
  const topic = catalog.byName(name);
  const partition = topic && partitions.open(topic, index);
  if (!partition) return unknownPartition(name, index);
  if (beforeOffset < toLogEnd) return outOfRange(beforeOffset);
  const outcome = await partitions.store.deleteRecords(partition.ref, beforeOffset);
  if ('refused' in outcome) {
    const isGone = outcome.refused === 'unknown-partition';
    return isGone ? unknownPartition(name, index) : outOfRange(beforeOffset);
  }
  await partition.refreshBounds();
  return outcome;
}

function unknownPartition(topic: string, partition: number): Outcome {
  const message = `There is no partition ${partition} of topic '${topic}'`;
  return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message);
}

function outOfRange(offset: number): Outcome {
  const message = `Offset ${offset} does not lie between the start and the end of the log`;
  return refuse(ErrorCode.OFFSET_OUT_OF_RANGE, message);
}
