import { DeleteRecords, ErrorCode } from '@sluice/wire';
import { deleteRecordsBefore } from '../admin-requests/delete-records';
import { orRefusal } from '../admin-requests/outcome';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';

/** What stands for the low watermark where nothing was deleted. */
const noLowWatermark = -1;

/**
 * DeleteRecords, v0–v2 (v2: flexible). Offset −1 deletes all that is there. Works while Redis is
 * full.
 */
export const deleteRecords = handle(DeleteRecords, async ({ services }, request) => {
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map(({ partitionIndex, offset }) =>
        remove(services, name, partitionIndex, offset),
      ),
    ),
  }));
  return { topics: await Promise.all(topics) };
});

async function remove(
  services: BrokerServices,
  topic: string,
  partition: number,
  beforeOffset: number,
) {
  const range = { topic, partition, beforeOffset };
  const outcome = await orRefusal(() => deleteRecordsBefore(services, range));
  const isDeleted = 'logStartOffset' in outcome;
  return {
    partitionIndex: partition,
    lowWatermark: isDeleted ? outcome.logStartOffset : noLowWatermark,
    errorCode: isDeleted ? ErrorCode.NONE : outcome.errorCode,
  };
}
