import type { HistoryView } from '../history/history-view';
import type { Commit, Committed } from '../history/operation';
import { Findings, groupBy, moment, type Checker } from './checker';
import { lostBetween } from './losses';

/** Members here only go forward, so what is committed does, too. */
export const committedOffset: Checker = {
  name: 'committed-offset',
  claim: 'the committed offset is never behind a commit that was done before, nor invented',

  check(history: HistoryView) {
    const findings = new Findings();
    const commits = groupBy(history.of('commit'), keyOf);
    for (const fetched of history.of('committed')) {
      if (fetched.outcome !== 'done') continue;
      findings.checked++;
      const own = commits.get(keyOf(fetched)) ?? [];
      const behind = own.find((commit) => isBehind(fetched, commit));
      if (behind !== undefined) {
        if (lostBetween(history, behind, fetched)) findings.allowed++;
        else
          findings.add(`${nameOf(fetched)}, after ${behind.offset} at ${moment(behind.endedMs)}`);
      }
      if (fetched.offset !== null && !own.some((commit) => mayBe(fetched, commit))) {
        findings.add(`${nameOf(fetched)}, which nobody had committed`);
      }
    }
    return findings;
  },
};

function keyOf({ group, partition }: Commit | Committed): string {
  return `${group} ${partition}`;
}

function isBehind(fetched: Committed, { outcome, endedMs, offset }: Commit): boolean {
  return outcome === 'done' && endedMs < fetched.begunMs && offset > (fetched.offset ?? -1);
}

function mayBe({ offset, endedMs }: Committed, commit: Commit): boolean {
  return commit.outcome !== 'refused' && commit.offset === offset && commit.begunMs <= endedMs;
}

function nameOf({ group, partition, offset, process, endedMs }: Committed): string {
  const what = `${group} had offset ${offset} of partition ${partition}`;
  return `${what} for ${process} at ${moment(endedMs)}`;
}
