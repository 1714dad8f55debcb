import type { HistoryView } from '../history/history-view';
import type { Send } from '../history/operation';
import { Findings, moment, place, type Checker } from './checker';

/**
 * A new leader begins a leader epoch before it appends, so an append of the one before it that
 * comes later would lie in the new one's epoch.
 */
export const staleLeaderAppend: Checker = {
  name: 'stale-leader-append',
  claim: 'in one leader epoch of a partition one gateway alone acknowledges appends',

  check(history: HistoryView) {
    const findings = new Findings();
    const merged = mergedEpochs(history);
    const leaders = new Map<string, { gateway: string; send: Send }>();
    for (const send of history.of('send')) {
      const { gateway, offset, partition, attempts, outcome } = send;
      // Whoever answers a repetition need not be who appended it.
      if (outcome !== 'done' || attempts !== 1 || gateway === null || offset === null) continue;
      const record = history.finalAt(partition, offset);
      if (record === undefined || record[1] !== send.values[0]) continue;
      if (record[2] === merged.get(partition)) continue;
      findings.checked++;
      const epoch = `epoch ${record[2]} of partition ${partition}`;
      const first = leaders.get(epoch);
      if (first === undefined) leaders.set(epoch, { gateway, send });
      else if (first.gateway !== gateway) {
        const other = `${first.gateway} had acknowledged offset ${first.send.offset}`;
        const when = `at ${moment(send.endedMs)}, in ${epoch}`;
        findings.add(
          `${gateway} acknowledged ${place(partition, offset)} ${when}, in which ${other}`,
        );
      }
    }
    return findings;
  },
};

/** By partition, the epoch that stands for several: nobody knows who led in which of them. */
function mergedEpochs(history: HistoryView): Map<number, number | null> {
  const partitions = [...history.finalLogs().keys()];
  return new Map(partitions.map((partition) => [partition, history.mergedEpoch(partition)]));
}
