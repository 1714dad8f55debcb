import type { HistoryView } from '../history/history-view';
import type { Assigned, Commit } from '../history/operation';
import { Findings, groupBy, moment, type Checker } from './checker';
import { lostBetween } from './losses';

export const staleCommit: Checker = {
  name: 'stale-commit',
  claim: 'a commit of a generation is refused once another member is in a later one',

  check(history: HistoryView) {
    const findings = new Findings();
    const known = history.of('assigned').filter(({ generation }) => generation !== null);
    const groups = groupBy(known, ({ group }) => group);
    for (const joined of groups.values()) joined.sort((a, b) => a.endedMs - b.endedMs);
    for (const commit of history.of('commit')) {
      if (commit.outcome !== 'done') continue;
      findings.checked++;
      const later = laterThan(commit, groups.get(commit.group) ?? []);
      if (later === undefined) continue;
      if (lostBetween(history, later, commit)) findings.allowed++;
      else findings.add(sentence(commit, later));
    }
    return findings;
  },
};

/** Who was in a later generation before the commit began. */
function laterThan(commit: Commit, joined: readonly Assigned[]): Assigned | undefined {
  return joined.find(
    ({ endedMs, generation }) => endedMs < commit.begunMs && generation! > commit.generation,
  );
}

function sentence(
  { process, generation, group, begunMs, offset, partition }: Commit,
  later: Assigned,
) {
  const what = `${process} committed offset ${offset} of partition ${partition} in ${group}`;
  const when = `at ${moment(begunMs)} in generation ${generation}`;
  return `${what} ${when}; ${later.process} was in ${later.generation} at ${moment(later.endedMs)}`;
}
