import { batchSizeAt, decodeBatch, isControl, readBatchHeader } from '@sluice/records';
import { ErrorCode, errorInfo, Fetch } from '@sluice/wire';
import type { Outcome, SeenRecord } from '../history/operation';
import type { ClusterClient, Peer } from './cluster-client';

const maxWaitMs = 200;
const bytesMax = 1024 * 1024;

/** What a fetch brought. */
export interface Fetched {
  outcome: Outcome;
  why?: string;
  /** Offset, value and leader epoch. */
  records: [...SeenRecord, epoch: number][];
  /** Where the next fetch begins. */
  next: number;
  logStart: number | null;
  logEnd: number | null;
  gateway: string | null;
}

/** Fetches once from the leader of a partition, by our own wire library; never throws. */
export async function fetchOnce(
  cluster: ClusterClient,
  topic: string,
  place: { partition: number; offset: number },
): Promise<Fetched> {
  const { partition, offset } = place;
  const nothing = { records: [], next: offset, logStart: null, logEnd: null, gateway: null };
  let peer: Peer | null = null;
  try {
    peer = await cluster.leader(partition);
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: bytesMax }];
    const asked = { maxWaitMs, minBytes: 1, maxBytes: bytesMax, topics: [{ topic, partitions }] };
    const reply = await peer.client.send(Fetch, 11, asked);
    const told = reply.responses[0]!.partitions[0]!;
    const { gateway } = peer;
    if (told.errorCode !== ErrorCode.NONE) {
      cluster.forget();
      return { ...nothing, outcome: 'refused', why: errorInfo(told.errorCode).name, gateway };
    }
    const bytes = Buffer.concat([told.records ?? []].flat());
    const { logStartOffset: logStart, highWatermark: logEnd } = told;
    return { outcome: 'done', ...decode(bytes, offset), logStart, logEnd, gateway };
  } catch (error) {
    if (peer === null) cluster.forget();
    else cluster.drop(peer);
    // To fetch changes nothing, so it is refused rather than unknown.
    return { ...nothing, outcome: 'refused', why: (error as Error).message };
  }
}

/** The records from an offset on; control batches are passed over. */
function decode(bytes: Buffer, offset: number): Pick<Fetched, 'records' | 'next'> {
  const records: Fetched['records'] = [];
  let next = offset;
  for (let at = 0; at < bytes.length;) {
    const batch = bytes.subarray(at, at + batchSizeAt(bytes, at));
    at += batch.length;
    const { attributes, baseOffset, lastOffsetDelta, partitionLeaderEpoch } =
      readBatchHeader(batch);
    next = baseOffset + lastOffsetDelta + 1;
    if (isControl(attributes)) continue;
    for (const record of decodeBatch(batch)) {
      if (record.offset < offset) continue;
      records.push([record.offset, String(record.key), partitionLeaderEpoch]);
    }
  }
  return { records, next };
}
