import type { HistoryView } from '../history/history-view';
import type { Assigned } from '../history/operation';
import { Findings, groupBy, moment, type Checker } from './checker';
import { lostBetween } from './losses';

export const groupOwnership: Checker = {
  name: 'group-ownership',
  claim: 'in one generation of a group a partition has one owner, and generations only rise',

  check(history: HistoryView) {
    const findings = new Findings();
    const known = history.of('assigned').filter(({ generation }) => generation !== null);
    const generations = groupBy(known, ({ group, generation }) => `${group} ${generation}`);
    for (const members of generations.values()) checkOwners(history, members, findings);
    const processes = groupBy(known, ({ group, process }) => `${group} ${process}`);
    for (const own of processes.values()) checkRising(history, own, findings);
    return findings;
  },
};

function checkOwners(history: HistoryView, all: readonly Assigned[], findings: Findings): void {
  const owners = new Map<number, Assigned>();
  for (const assigned of all) {
    for (const partition of assigned.partitions ?? []) {
      findings.checked++;
      const owner = owners.get(partition);
      owners.set(partition, assigned);
      if (owner === undefined || owner.member === assigned.member) continue;
      if (lostBetween(history, owner, assigned)) findings.allowed++;
      else findings.add(`${nameOf(assigned)}: partition ${partition} is ${owner.process}'s, too`);
    }
  }
}

function checkRising(history: HistoryView, own: Assigned[], findings: Findings): void {
  own.sort((a, b) => a.endedMs - b.endedMs);
  for (const [i, assigned] of own.entries()) {
    const before = own[i - 1];
    if (before === undefined || assigned.generation! >= before.generation!) continue;
    if (lostBetween(history, before, assigned)) findings.allowed++;
    else findings.add(`${nameOf(assigned)} came after generation ${before.generation}`);
  }
}

function nameOf({ group, generation, process, endedMs }: Assigned): string {
  return `generation ${generation} of ${group}, for ${process} at ${moment(endedMs)}`;
}
