/** What a message on a partition's channel tells; null: it does not tell that. */
export interface WakeUp {
  logEndOffset: number;
  logStartOffset: number | null;
  lastStableOffset: number | null;
  /** Up to where it tells that readers may be given the log. */
  highWatermark: number;
  leaderEpoch: number | null;
}

const numbers = /^\d+(?: \d+)*$/;

/**
 * Reads "<log end> <log start> <last stable offset> <leader epoch> <high watermark>"; without the
 * last one that is the log end. A message with the log end alone is that of an older version, and
 * what follows the five is for a newer one. Null: neither.
 */
export function readWakeUp(message: string): WakeUp | null {
  if (!numbers.test(message)) return null;
  const [logEndOffset, ...rest] = message.split(' ').map(Number);
  const [logStartOffset = null, lastStableOffset = null, leaderEpoch = null] = rest;
  const highWatermark = rest[3] ?? logEndOffset!;
  const ends = { logEndOffset: logEndOffset!, logStartOffset, lastStableOffset };
  return { ...ends, highWatermark, leaderEpoch };
}

/** What two messages tell together, in whatever order they came. */
export function bothWakeUps(one: WakeUp | null, other: WakeUp): WakeUp {
  if (one === null) return other;
  const [oneEpoch, otherEpoch] = [one.leaderEpoch ?? -1, other.leaderEpoch ?? -1];
  // Another leadership may have begun with another end.
  if (oneEpoch !== otherEpoch && Math.min(oneEpoch, otherEpoch) >= 0) {
    return oneEpoch > otherEpoch ? one : other;
  }
  return {
    logEndOffset: Math.max(one.logEndOffset, other.logEndOffset),
    logStartOffset: larger(one.logStartOffset, other.logStartOffset),
    lastStableOffset: larger(one.lastStableOffset, other.lastStableOffset),
    highWatermark: Math.max(one.highWatermark, other.highWatermark),
    leaderEpoch: larger(one.leaderEpoch, other.leaderEpoch),
  };
}

function larger(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
