/** On whose disk a record has to be; `all`: that of the primary and of each replica that counts. */
export type DiskDemand = 'none' | 'primary' | 'all';

/**
 * What a topic asks for beyond the primary's word, before readers are given a record and before
 * acks=all is answered. Two that ask for the same are the same object.
 */
export interface Confirmation {
  /** Replicas that have to have the record. */
  readonly copies: number;
  readonly disk: DiskDemand;
  /** The producer is answered only then (acks=all). False: at once, though readers wait. */
  readonly isAwaited: boolean;
}

const known = new Map<string, Confirmation>();

function one(copies: number, disk: DiskDemand, isAwaited: boolean): Confirmation {
  const key = `${copies} ${disk} ${isAwaited}`;
  let found = known.get(key);
  if (found === undefined) known.set(key, (found = Object.freeze({ copies, disk, isAwaited })));
  return found;
}

/** What a topic asks for, by the acks of its producer. */
export interface Confirmations {
  /** For acks=all. */
  readonly awaited: Confirmation;
  /** For all else. */
  readonly later: Confirmation;
}

/** What the configs ask for; null where the primary's word is enough. */
export function confirmationsOf(minInsyncReplicas: number, disk: DiskDemand): Confirmations | null {
  const copies = minInsyncReplicas - 1;
  if (copies === 0 && disk === 'none') return null;
  return { awaited: one(copies, disk, true), later: one(copies, disk, false) };
}

/** What is asked for a record, by the acks of its producer; null: the primary's word is enough. */
export function confirmationFor(
  { confirmations }: { confirmations: Confirmations | null },
  acks: number,
): Confirmation | null {
  if (confirmations === null) return null;
  return acks === -1 ? confirmations.awaited : confirmations.later;
}
