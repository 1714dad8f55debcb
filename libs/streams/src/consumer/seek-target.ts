import type { PartitionRef, PartitionStore } from '@sluice/log';
import type { SeekTarget } from '../api';

/** The offset that a target names in a partition now; null: there is no such partition. */
export async function resolveTarget(
  store: Pick<PartitionStore, 'bounds' | 'firstAtOrAfter'>,
  ref: PartitionRef,
  target: SeekTarget,
): Promise<number | null> {
  if (typeof target === 'object' && 'offset' in target) return target.offset;
  if (typeof target === 'object') {
    const found = await store.firstAtOrAfter(ref, target.timestampMs);
    if (found !== null) return found.offset;
  }
  const bounds = await store.bounds(ref);
  if (bounds === null) return null;
  return target === 'start' ? bounds.logStartOffset : bounds.highWatermark;
}
