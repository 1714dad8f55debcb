import type { HistoryView } from '../history/history-view';
import type { Timed } from '../history/operation';

/** After a fault clients have so long to come back before it counts as over, on a usual machine. */
const recoveryMs = 3_000;
/** Nobody was served where nothing was acknowledged for so long. */
const silenceMs = 1_000;

/** Of the sends outside faults, at least so many have to be done. */
export const doneShareLeast = 0.8;

/** How well producers were served. */
export interface Service {
  done: number;
  refused: number;
  unknown: number;
  /** The same of the sends that began while nothing was wrong. */
  outside: { done: number; all: number; share: number };
  /** Times of more than a second without any acknowledgement, together and the longest. */
  withoutMs: number;
  longestMs: number;
  /** Acknowledged while something was wrong. */
  doneInFaults: number;
}

/** Looks at the sends of a history. */
export function serviceOf(history: HistoryView): Service {
  const slowness = history.of('run')[0]?.slowness ?? 1;
  const troubled = history.faults.map(({ begunMs, endedMs }) => ({
    begunMs,
    endedMs: endedMs + slowness * recoveryMs,
  }));
  const service = { done: 0, refused: 0, unknown: 0, doneInFaults: 0 };
  const outside = { done: 0, all: 0, share: 0 };
  for (const send of history.of('send')) {
    service[send.outcome]++;
    const isDone = send.outcome === 'done';
    if (troubled.some((fault) => overlap(fault, send))) {
      if (isDone) service.doneInFaults++;
      continue;
    }
    outside.all++;
    if (isDone) outside.done++;
  }
  outside.share = outside.all === 0 ? 0 : outside.done / outside.all;
  return { ...service, outside, ...silences(history) };
}

function overlap(one: Timed, other: Timed): boolean {
  return one.begunMs <= other.endedMs && other.begunMs <= one.endedMs;
}

function silences(history: HistoryView): { withoutMs: number; longestMs: number } {
  const sends = history.of('send');
  const moments = sends.filter(({ outcome }) => outcome === 'done').map(({ endedMs }) => endedMs);
  moments.sort((a, b) => a - b);
  let [withoutMs, longestMs] = [0, 0];
  for (const [i, atMs] of moments.entries()) {
    const gapMs = i === 0 ? 0 : atMs - moments[i - 1]!;
    if (gapMs <= silenceMs) continue;
    withoutMs += gapMs;
    longestMs = Math.max(longestMs, gapMs);
  }
  return { withoutMs, longestMs };
}
