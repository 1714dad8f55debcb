import type { HistoryView } from '../history/history-view';
import { Findings, moment, place, type Checker } from './checker';

export const inconsistentOffsets: Checker = {
  name: 'inconsistent-offsets',
  claim: 'an offset has one value, for all who wrote or read it, at any time',

  check(history: HistoryView) {
    const findings = new Findings();
    const values = new Map<number, Map<number, { value: string; by: string; atMs: number }>>();
    for (const { partition, offset, value, by, atMs } of history.sightings()) {
      let known = values.get(partition);
      if (known === undefined) values.set(partition, (known = new Map()));
      const before = known.get(offset);
      if (before === undefined) {
        known.set(offset, { value, by, atMs });
        findings.checked++;
      } else if (before.value !== value) {
        const first = `${before.value} by ${before.by} at ${moment(before.atMs)}`;
        findings.add(`${place(partition, offset)} is ${first}, and ${value} by ${by}`);
      }
    }
    return findings;
  },
};
