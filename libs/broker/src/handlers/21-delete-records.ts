import { DeleteRecords, ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import type { BrokerServices } from '../requests/context';
import { orStorageError } from '../requests/error-codes';
import type { Partition } from '../partitions/partition';
import { handle } from '../requests/handler';

interface Deleted {
  lowWatermark: number;
  errorCode: ErrorCodeValue;
}

/**
 * DeleteRecords, v0–v2 (v2: flexible). Offset −1 deletes all that is there. Works while Redis is
 * full.
 */
export const deleteRecords = handle(DeleteRecords, async ({ services }, request) => {
  const topics = request.topics.map(async ({ name, partitions }) => {
    const topic = services.catalog.byName(name);
    const deleted = partitions.map(async ({ partitionIndex, offset }) => {
      const partition = topic && services.partitions.get(topic, partitionIndex);
      if (!partition) {
        return { partitionIndex, ...failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) };
      }
      const outcome = await orStorageError(() => deleteBefore(services, partition, offset), failed);
      return { partitionIndex, ...outcome };
    });
    return { name, partitions: await Promise.all(deleted) };
  });
  return { topics: await Promise.all(topics) };
});

async function deleteBefore(
  { partitions }: BrokerServices,
  partition: Partition,
  offset: number,
): Promise<Deleted> {
  if (offset < -1) return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
  const outcome = await partitions.store.deleteRecords(partition.ref, offset);
  if ('refused' in outcome) {
    const gone = outcome.refused === 'unknown-partition';
    return failed(gone ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.OFFSET_OUT_OF_RANGE);
  }
  await partition.refreshBounds();
  return { lowWatermark: outcome.logStartOffset, errorCode: ErrorCode.NONE };
}

function failed(errorCode: ErrorCodeValue): Deleted {
  return { lowWatermark: -1, errorCode };
}
