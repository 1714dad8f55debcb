import type { Clock } from '@sluice/base';
import { appendable, storedCompression, type Appendable, type TopicConfig } from '@sluice/log';
import {
  batchHeaderBytes,
  encodeBatch,
  readBatchHeader,
  RecordsError,
  type CompressionName,
} from '@sluice/records';
import type { PendingRecord } from './pending-record';
import { producerLimits } from './producer-limits';

/** Where a batch stands among those of its producer; of none: nothing. */
export interface Sequence {
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
}

/** A batch on its way, as it is sent, and sent again. */
export interface Batch extends Appendable {
  records: PendingRecord[];
  /** It may be in the log: nobody has answered. Then it may only be sent again as it is. */
  isInDoubt: boolean;
}

/** How batches are made. */
export interface BatchTerms {
  config: TopicConfig;
  batchBytesMax: number;
  /** The producer's; the topic may want another. */
  compression: CompressionName;
  sequence: Partial<Sequence>;
  clock: Pick<Clock, 'nowMs'>;
}

/**
 * A batch of the first records that wait, as many as its limits allow and at least one. They stay
 * in `waiting`.
 *
 * @throws RecordsError of the first record, which is the one to blame
 */
export function makeBatch(waiting: readonly PendingRecord[], terms: BatchTerms): Batch {
  let count = countFor(waiting, terms);
  for (;;) {
    try {
      return encode(waiting.slice(0, count), terms);
    } catch (error) {
      // What is compressed may be larger than it was.
      const mayFit = error instanceof RecordsError && error.code === 'too-large' && count > 1;
      if (!mayFit) throw error;
      count = Math.ceil(count / 2);
    }
  }
}

function countFor(waiting: readonly PendingRecord[], terms: BatchTerms): number {
  const bytesMax = Math.min(terms.batchBytesMax, terms.config.maxMessageBytes);
  const countMax = Math.min(waiting.length, producerLimits.batchRecordsMax);
  let bytes = batchHeaderBytes + waiting[0]!.bytes;
  let count = 1;
  while (count < countMax && (bytes += waiting[count]!.bytes) <= bytesMax) count++;
  return count;
}

function encode(records: PendingRecord[], terms: BatchTerms): Batch {
  const { config, sequence, clock } = terms;
  const compression = storedCompression(config, terms.compression);
  const { producerId, producerEpoch, baseSequence } = sequence;
  const bytes = encodeBatch({ records, compression, producerId, producerEpoch, baseSequence });
  const { batch, logAppendTimeMs } = appendable(bytes, readBatchHeader(bytes), config, clock);
  return { batch, logAppendTimeMs, records, isInDoubt: false };
}
