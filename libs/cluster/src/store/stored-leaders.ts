import type { Placement } from '../api';

/** Who leads a partition, as Redis knows it. */
export interface StoredPlacement extends Placement {
  /** Somebody has chosen its replicas, so nobody else changes them. */
  readonly isChosen: boolean;
}

/** Who leads the partitions of a topic. */
export interface StoredLeaders {
  /** By which session each of the leaders was given what it leads: broker id to token. */
  readonly sessions: ReadonlyMap<number, string>;
  readonly partitions: readonly StoredPlacement[];
}

/** In place of leaders that only a newer version can read: nothing is to be written there. */
export const newerLeaders = 'newer';

/** The form in which this version stores leaders. */
const leadersFormat = 1;

interface Stored {
  format?: number;
  sessions: Record<string, string>;
  /** Leader, leadership, replicas. */
  partitions: [number, number, number[]][];
  /** Indexes of partitions. */
  chosen?: number[];
}

/** The text for a topic's leaders. */
export function encodeLeaders({ sessions, partitions }: StoredLeaders): string {
  const chosen = partitions.flatMap(({ isChosen }, index) => (isChosen ? [index] : []));
  const stored = {
    format: leadersFormat,
    sessions: Object.fromEntries(sessions),
    partitions: partitions.map((one) => [one.leaderId, one.leadership, one.replicas]),
    ...(chosen.length > 0 ? { chosen } : {}),
  };
  return JSON.stringify(stored);
}

/** Reads a text; null where it is damaged, so that it is as good as none. */
export function decodeLeaders(text: string): StoredLeaders | typeof newerLeaders | null {
  try {
    return readLeaders(JSON.parse(text) as Stored);
  } catch {
    return null;
  }
}

function readLeaders(stored: Stored): StoredLeaders | typeof newerLeaders | null {
  if ((stored.format ?? 1) > leadersFormat) return newerLeaders;
  const chosen = new Set(stored.chosen);
  const partitions: StoredPlacement[] = [];
  for (const [index, [leaderId, leadership, replicas]] of stored.partitions.entries()) {
    const isSound = [leaderId, leadership, ...replicas].every(Number.isSafeInteger);
    if (!isSound) return null;
    partitions.push({ leaderId, leadership, replicas, isChosen: chosen.has(index) });
  }
  const sessions = new Map<number, string>();
  for (const [id, token] of Object.entries(stored.sessions)) sessions.set(Number(id), token);
  return { sessions, partitions };
}
