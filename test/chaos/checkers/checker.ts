import type { HistoryView } from '../history/history-view';

/** What a checker found. */
export interface Verdict {
  /** How many things it looked at: one that saw nothing proves nothing. */
  checked: number;
  /** What must not be, a sentence each. */
  anomalies: string[];
  /** How often something was so that may be so: by the promise, or by what the client asked for. */
  allowed: number;
}

/** A small program over a history. */
export interface Checker {
  /** As it is named in reports and on the command line. */
  readonly name: string;
  /** What holds where it finds nothing, in one sentence. */
  readonly claim: string;
  check(history: HistoryView): Verdict;
}

/** Gathers a verdict. */
export class Findings implements Verdict {
  checked = 0;
  allowed = 0;
  readonly anomalies: string[] = [];

  add(anomaly: string): void {
    this.anomalies.push(anomaly);
  }
}

/** A group of things by a key made of their parts. */
export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** A place in the log, for messages. */
export function place(partition: number, offset: number): string {
  return `partition ${partition}, offset ${offset}`;
}

/** A moment, for messages. */
export function moment(atMs: number): string {
  return `${(atMs / 1_000).toFixed(3)} s`;
}
