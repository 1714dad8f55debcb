import { attempt, type Redis } from '@sluice/redis';
import type { PartitionKeys } from './keys';
import { partitionLimits } from './partition-limits';
import { newerFormat } from './recovery/newer-format';

/** An idempotent producer, as a partition remembers it. */
export interface KnownProducer {
  producerId: number;
  producerEpoch: number;
  /** The sequence of the last record that it has written. */
  lastSequence: number;
  /** When it last wrote, by Redis' clock, in whole seconds. */
  lastUsedMs: number;
}

/** The form that include/producers.lua gives a producer: epoch, last use, sequences, window. */
const formatMax = 1;
const lastUsedAt = 2;
/** Of the window's last batch: first sequence, last sequence and base offset. */
const batchBytes = 16;
const lastSequenceAt = 4;
const baseOffsetAt = 8;

/** See `PartitionStore.producers`. */
export async function readProducers(
  redis: Redis,
  { producers: key }: PartitionKeys,
  countMax: number,
): Promise<KnownProducer[]> {
  const { describeProducersStep: step } = partitionLimits;
  // HSCAN may name one twice.
  let found = new Map<number, KnownProducer>();
  let cursor = '0';
  do {
    const command = redis.hscanBuffer(key, cursor, 'COUNT', step);
    const [next, page] = await attempt('log.producers', command);
    cursor = next.toString();
    for (let at = 0; at + 1 < page.length; at += 2) {
      const [field, value] = [page[at]!.toString(), page[at + 1]!];
      if (field !== 'format') found.set(Number(field), producerOf(Number(field), value));
      else if (Number(value.toString()) > formatMax) throw newerFormat(key);
    }
    if (found.size > 2 * countMax) found = new Map(latest(found, countMax));
  } while (cursor !== '0');
  return latest(found, countMax).map(([, producer]) => producer);
}

/** See `PartitionStore.lastBatchOf`. */
export async function readLastBatch(
  redis: Redis,
  { producers: key }: PartitionKeys,
  producerId: number,
): Promise<number | null> {
  const command = redis.hmgetBuffer(key, 'format', String(producerId));
  const [format, value] = await attempt('log.lastBatchOf', command);
  if (Number(format?.toString() ?? 1) > formatMax) throw newerFormat(key);
  return value ? value.readDoubleLE(value.length - batchBytes + baseOffsetAt) : null;
}

/** At most so many of them, those that wrote last first. */
function latest(found: ReadonlyMap<number, KnownProducer>, countMax: number) {
  const sorted = [...found].sort(
    ([, a], [, b]) => b.lastUsedMs - a.lastUsedMs || b.producerId - a.producerId,
  );
  return sorted.slice(0, countMax);
}

function producerOf(producerId: number, value: Buffer): KnownProducer {
  return {
    producerId,
    producerEpoch: value.readInt16LE(0),
    lastSequence: value.readUInt32LE(value.length - batchBytes + lastSequenceAt),
    lastUsedMs: value.readUInt32LE(lastUsedAt) * 1_000,
  };
}
