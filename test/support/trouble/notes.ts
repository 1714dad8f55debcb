import type { StreamHandlerOptions } from '@sluice/transport';

/** What a record of these tests holds. */
export interface Order {
  /** Which topic of the name it was written to, where one is deleted and made again. */
  life: number;
  /** Counts the records of its key. */
  seq: number;
  /** What its handler does instead of its work, the first time or always. */
  does?: 'throw' | 'fail' | 'hang' | 'block' | 'hold';
  blockMs?: number;
  /** How long its work takes. */
  workMs?: number;
}

/** A member has handled a record. */
export interface Note {
  life: number;
  key: string;
  seq: number;
  partition: number;
  offset: number;
  member: string;
}

/** How a service is to be. */
export interface ServiceOptions {
  /** Of the member. */
  name: string;
  topic: string;
  group: string;
  redisUrl: string;
  keyPrefix: string;
  notesUrl: string;
  notesPrefix: string;
  handler?: StreamHandlerOptions;
  inFlightRecordsMax?: number;
  drainTimeoutMs?: number;
  waitForRedis?: boolean;
}

const idOf = ({ life, partition, offset }: Note): string => `${life}/${partition}/${offset}`;

/** Each record the first time that it was handled. */
export function firstOf(notes: readonly Note[]): Note[] {
  const seen = new Set<string>();
  return notes.filter((note) => !seen.has(idOf(note)) && seen.add(idOf(note)));
}

/** What was handled again, by whom, and by whom it had been handled first. */
export function repeatsOf(notes: readonly Note[]): { note: Note; first: Note }[] {
  const seen = new Map<string, Note>();
  return notes.flatMap((note) => {
    const first = seen.get(idOf(note));
    if (first === undefined) seen.set(idOf(note), note);
    return first === undefined ? [] : [{ note, first }];
  });
}

/** Acknowledged records that nobody has handled. */
export function lostOf(sent: readonly Omit<Note, 'member'>[], notes: readonly Note[]): string[] {
  const handled = new Set(notes.map(idOf));
  return sent.map((one) => idOf({ ...one, member: '' })).filter((id) => !handled.has(id));
}

/**
 * Places where the records of a key or of a partition were not in order, once what was handled
 * again is left out: so what is repeated was repeated from some point on.
 */
export function disorderOf(
  notes: readonly Note[],
  of: 'key' | 'partition',
): { before: Note; after: Note }[] {
  const latest = new Map<string, Note>();
  return firstOf(notes).flatMap((after) => {
    const line = `${after.life}/${after[of]}`;
    const before = latest.get(line);
    latest.set(line, after);
    if (before === undefined) return [];
    const isInOrder = of === 'key' ? before.seq < after.seq : before.offset < after.offset;
    return isInOrder ? [] : [{ before, after }];
  });
}
