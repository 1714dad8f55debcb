import type { LentBatch } from '@sluice/log';
import type { BatchRun } from './hot-ring';

/** A run that was read from Redis: each chunk is one batch, in memory that is lent. */
export interface ColdRun extends BatchRun {
  /** What gives back the memory of each chunk. */
  readonly releases: (() => void)[];
  /** Offsets are missing before some batch of it, or between two. */
  hasGap: boolean;
  release: () => void;
}

/** A run without batches, to which some may be added. */
export function emptyRun(offset: number): ColdRun {
  return coldRun([], [], 0, offset);
}

/** Adds the next batch. */
export function addBatch(run: ColdRun, batch: LentBatch): void {
  const { bytes, baseOffset, lastOffset, release } = batch;
  if (baseOffset > run.nextOffset) run.hasGap = true;
  run.chunks.push(bytes);
  run.releases.push(release);
  run.bytes += bytes.length;
  run.nextOffset = lastOffset + 1;
}

/** Cuts a run to `bytesMax` (but at least one batch) and returns what was cut off. */
export function cutRun(run: ColdRun, bytesMax: number): ColdRun | null {
  let bytes = run.chunks[0]!.length;
  let kept = 1;
  while (kept < run.chunks.length && bytes + run.chunks[kept]!.length <= bytesMax) {
    bytes += run.chunks[kept++]!.length;
  }
  if (kept === run.chunks.length) return null;
  const { chunks, releases, nextOffset } = run;
  const rest = coldRun(chunks.splice(kept), releases.splice(kept), run.bytes - bytes, nextOffset);
  run.bytes = bytes;
  run.nextOffset = rest.chunks[0]!.readUIntBE(2, 6);
  return rest;
}

function coldRun(
  chunks: Buffer[],
  releases: (() => void)[],
  bytes: number,
  nextOffset: number,
): ColdRun {
  const release = () => {
    for (const one of releases.splice(0)) one();
  };
  return { chunks, releases, bytes, nextOffset, hasGap: false, release };
}
