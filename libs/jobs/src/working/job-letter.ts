import { streamHeaders } from '@sluice/transport';
import type { RecordHeader, RecordToSend } from '@sluice/streams';
import type { BullJob } from '../bullmq';
import { bytesOf, headersOf } from '../job-data';

/** What a letter says beside the job: where it goes, and who could not do it. */
export interface LetterTerms {
  topic: string;
  group: string;
  /** How often a job is begun anew whose worker went silent; then it has failed for good. */
  stalledMax: number;
}

/**
 * The record for the dead-letter topic: as it was, and in headers what became of it, under the
 * names that the transport uses. An attempt that ended with its process counts there too.
 */
export function letterOf(job: BullJob, { topic, group, stalledMax }: LetterTerms): RecordToSend {
  const { data, finishedOn = job.timestamp, processedOn = finishedOn } = job;
  const areDead = job.stalledCounter > stalledMax;
  // BullMQ counts the failure that follows from it as an attempt, though nobody was called.
  const attempts = job.attemptsMade + job.stalledCounter - (areDead ? 1 : 0);
  const stack = job.stacktrace?.at(-1) ?? '';
  const name = /^(\w+)(?::|\n|$)/.exec(stack)?.[1] ?? 'Error';
  const story: Record<string, string | number> = {
    [streamHeaders.originTopic]: data.topic,
    [streamHeaders.originPartition]: data.partition,
    [streamHeaders.originOffset]: data.offset,
    [streamHeaders.originTimestamp]: data.timestampMs,
    [streamHeaders.group]: group,
    [streamHeaders.attempts]: attempts,
    [streamHeaders.firstFailure]: processedOn,
    [streamHeaders.lastFailure]: finishedOn,
    [streamHeaders.reason]: areDead ? 'workers-died' : reasonOf(job, name),
    [streamHeaders.errorName]: name,
    [streamHeaders.errorMessage]: job.failedReason ?? '',
    [streamHeaders.errorStack]: stack,
  };
  return {
    topic,
    key: bytesOf(data.key),
    value: bytesOf(data.value),
    timestampMs: finishedOn,
    headers: [
      ...ownHeaders(job),
      ...Object.entries(story).map(([key, value]) => header(key, value)),
    ],
  };
}

function reasonOf(job: BullJob, errorName: string): string {
  if (errorName === 'UndecodableRecord') return 'undecodable';
  return job.attemptsMade < (job.opts.attempts ?? 1) ? 'unrecoverable' : 'attempts-exhausted';
}

/** All but what the transport says of a record that failed; a forged one goes the same way. */
function ownHeaders({ data }: BullJob): RecordHeader[] {
  const { metadata } = streamHeaders;
  const isOwn = ({ key }: RecordHeader) => !key.startsWith('sluice-') || key.startsWith(metadata);
  return headersOf(data).filter(isOwn);
}

function header(key: string, value: string | number): RecordHeader {
  return { key, value: Buffer.from(String(value)) };
}
