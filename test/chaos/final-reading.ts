import { setTimeout as sleep } from 'node:timers/promises';
import { ListOffsets } from '@sluice/wire';
import { ClusterClient } from './clients/cluster-client';
import { retryPauseMs, type ClientContext } from './clients/context';
import { fetchOnce } from './clients/fetching';
import type { FinalRecord } from './history/operation';

/** A time that stands for the log start. */
const earliest = -2;
const recordsPerPiece = 1_000;
/** A log that cannot be read to its end within this time is written down as far as it could be. */
const readingMsMax = 60_000;

/**
 * Reads every partition from its start to its end and writes it down; returns by partition the
 * offset of its last record.
 */
export async function readFinally(
  context: ClientContext,
  reading: 1 | 2,
): Promise<Map<number, number>> {
  const cluster = new ClusterClient(context, `final-${reading}`);
  const last = new Map<number, number>();
  for (let partition = 0; partition < context.partitions; partition++) {
    const records = await readPartition(cluster, context, { partition, reading });
    const end = records.at(-1);
    if (end !== undefined) last.set(partition, end[0]);
  }
  await cluster.close();
  return last;
}

/** Where a log begins; 0 where nobody can tell. */
async function logStartOf(
  cluster: ClusterClient,
  topic: string,
  partition: number,
): Promise<number> {
  try {
    const { client } = await cluster.leader(partition);
    const partitions = [{ partitionIndex: partition, timestamp: earliest }];
    const { topics } = await client.send(ListOffsets, 4, { topics: [{ name: topic, partitions }] });
    return Math.max(0, topics[0]?.partitions[0]?.offset ?? 0);
  } catch {
    return 0;
  }
}

async function readPartition(
  cluster: ClusterClient,
  { history, topic, slowness }: ClientContext,
  about: { partition: number; reading: 1 | 2 },
): Promise<FinalRecord[]> {
  const { partition } = about;
  const records: FinalRecord[] = [];
  const untilMs = performance.now() + slowness * readingMsMax;
  let offset = await logStartOf(cluster, topic, partition);
  let end: number | null = null;
  while (end === null && performance.now() < untilMs) {
    const fetched = await fetchOnce(cluster, topic, { partition, offset });
    for (const record of fetched.records) records.push(record);
    offset = fetched.next;
    if (fetched.outcome !== 'done') await sleep(retryPauseMs);
    // What is not confirmed yet comes while an empty answer is waited for.
    else if (fetched.records.length === 0 && offset === fetched.logEnd) end = offset;
  }
  for (let at = 0; at === 0 || at < records.length; at += recordsPerPiece) {
    const piece = records.slice(at, at + recordsPerPiece);
    const isLast = at + recordsPerPiece >= records.length;
    history.add({ kind: 'final', ...about, records: piece, end: isLast ? end : null });
  }
  return records;
}
