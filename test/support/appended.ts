import { strict as assert } from 'node:assert';
import { silentLogger } from '@sluice/base';
import type { AppendBatch, Confirmation, PartitionRef, PartitionStore } from '@sluice/log';

/**
 * Appends batches one after the other, as a gateway does; all have to be taken.
 *
 * @param asked what the topic asks for; nobody sees to it that it is confirmed
 * @throws what the writer of the log rejects with
 */
export async function appendAll(
  store: PartitionStore,
  ref: PartitionRef,
  batches: readonly AppendBatch[],
  asked: Confirmation | null = null,
): Promise<void> {
  const writer = store.writer(ref, {
    replicationTimeoutMs: 5_000,
    log: silentLogger,
    trouble: { note: () => {} },
    onReply: () => {},
  });
  const append = (batch: AppendBatch): Promise<void> =>
    new Promise((resolve, reject) => {
      writer.append(batch, asked, (outcome, error) => {
        if (error !== null) return reject(error as Error);
        assert(outcome !== null && 'result' in outcome && outcome.result.kind === 'appended');
        resolve();
      });
    });
  await Promise.all(batches.map(append));
  writer.close();
}
