import { encodeBatch } from '@sluice/records';
import { appendedAs } from '@sluice/test/support/batches';
import type { TestBroker } from '@sluice/test/support/broker';

/** Appends one record to a partition, as a producer with acks=1 does. */
export async function appendRecord(
  { broker, catalog }: TestBroker,
  topic: string,
  { partition = 0, timestampMs = 1_000 }: { partition?: number; timestampMs?: number } = {},
): Promise<void> {
  const leader = broker.services.partitions.open(catalog.byName(topic)!, partition)!;
  const batch = encodeBatch({ records: [{ timestampMs, value: Buffer.from('a value') }] });
  await new Promise<void>((resolve, reject) => {
    leader.append(appendedAs(batch), null, (outcome, error) => {
      if (outcome && 'result' in outcome && outcome.result.kind === 'appended') resolve();
      else reject(error ?? new Error(JSON.stringify(outcome)));
    });
  });
}
