import type { HistoryView } from '../history/history-view';
import type { Poll } from '../history/operation';
import { Findings, groupBy, place, type Checker } from './checker';

const toldMax = 5;

export const unseen: Checker = {
  name: 'unseen',
  claim: 'at the end each consumer, and each group as a whole, has got every record',

  check(history: HistoryView) {
    const findings = new Findings();
    const readers = groupBy(history.of('poll'), ({ group, process }) => group ?? process);
    for (const reader of new Set([...readersOf(history), ...readers.keys()])) {
      const seen = seenBy(readers.get(reader) ?? []);
      for (const [partition, { records }] of history.finalLogs()) {
        const own = seen.get(partition);
        const missing = records.filter(([offset]) => !own?.has(offset));
        findings.checked += records.length;
        for (const [offset, value] of missing.slice(0, toldMax)) {
          findings.add(`${reader} never got ${value} at ${place(partition, offset)}`);
        }
        const more = missing.length - toldMax;
        if (more > 0) findings.add(`${reader} never got ${more} more of partition ${partition}`);
      }
    }
    return findings;
  },
};

/** Those who were to read everything, though they may have read nothing. */
function readersOf(history: HistoryView): string[] {
  const run = history.of('run')[0];
  return run === undefined ? [] : [...run.readers, ...run.groups];
}

/** By partition, the offsets that were read. */
function seenBy(polls: readonly Poll[]): Map<number, Set<number>> {
  const seen = new Map<number, Set<number>>();
  for (const { partition, records } of polls) {
    let own = seen.get(partition);
    if (own === undefined) seen.set(partition, (own = new Set()));
    for (const [offset] of records) own.add(offset);
  }
  return seen;
}
