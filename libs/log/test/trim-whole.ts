import { strict as assert } from 'node:assert';
import type { PartitionRef } from '../src/keys';
import type { PartitionStore } from '../src/partition-store';
import type { TrimRule } from '../src/trim';

/** What all steps together have done. */
export interface Trimmed {
  logStartOffset: number;
  batches: number;
  bytes: number;
}

/** All steps of a trim; null where there is no such partition. */
export async function trimWhole(
  store: PartitionStore,
  ref: PartitionRef,
  rule: TrimRule,
): Promise<Trimmed | null> {
  const total: Trimmed = { logStartOffset: 0, batches: 0, bytes: 0 };
  for (;;) {
    const step = await store.trimStep(ref, rule);
    if (step === null) return null;
    assert(step !== 'missing');
    total.logStartOffset = step.logStartOffset;
    total.batches += step.batches;
    total.bytes += step.bytes;
    if (step.isDone) return total;
  }
}
