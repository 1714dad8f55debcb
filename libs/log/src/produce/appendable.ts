import type { Clock } from '@sluice/base';
import { RecordsError, stampLogAppendTime, type BatchHeader } from '@sluice/records';
import type { TopicConfig } from '../configs/resolve';
import type { AppendBatch } from '../writer/append-call';

/** A batch that may be appended, and the time that its records get by that; -1 for their own. */
export interface Appendable {
  batch: AppendBatch;
  logAppendTimeMs: number;
}

/** What of a batch's header is told to the append. */
export type BatchFacts = Pick<
  BatchHeader,
  'lastOffsetDelta' | 'maxTimestampMs' | 'producerId' | 'producerEpoch' | 'baseSequence'
>;

/**
 * Makes a batch that is as its topic stores it ready to be appended. Where the topic's records have
 * the time of their append, the bytes are changed in place.
 *
 * @throws RecordsError 'too-large' when it has more bytes than the topic takes
 */
export function appendable(
  bytes: Buffer,
  facts: BatchFacts,
  config: TopicConfig,
  clock: Pick<Clock, 'nowMs'>,
): Appendable {
  checkBatchBytes(bytes.length, config);
  const atAppend = config.timestampType === 'LogAppendTime';
  const logAppendTimeMs = atAppend ? clock.nowMs() : -1;
  if (atAppend) stampLogAppendTime(bytes, 0, logAppendTimeMs);
  const { lastOffsetDelta, producerId, producerEpoch, baseSequence } = facts;
  const maxTimestampMs = atAppend ? logAppendTimeMs : facts.maxTimestampMs;
  const batch = { bytes, lastOffsetDelta, maxTimestampMs, producerId, producerEpoch, baseSequence };
  return { batch, logAppendTimeMs };
}

/** @throws RecordsError 'too-large' when a batch has more bytes than its topic takes */
export function checkBatchBytes(
  bytes: number,
  { maxMessageBytes }: Pick<TopicConfig, 'maxMessageBytes'>,
): void {
  if (bytes <= maxMessageBytes) return;
  const message = `The batch has ${bytes} bytes; max.message.bytes is ${maxMessageBytes}.`;
  throw new RecordsError('too-large', message);
}
