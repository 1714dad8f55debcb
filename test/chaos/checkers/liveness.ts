import type { HistoryView } from '../history/history-view';
import type { Timed } from '../history/operation';
import { Findings, groupBy, moment, type Checker } from './checker';

/** How long after the last fault a producer, or a consumer of its own partitions, may need. */
export const progressMsMax = 10_000;
/** A group first has to notice who is gone, and to share its partitions out again. */
export const groupProgressMsMax = 30_000;

export const liveness: Checker = {
  name: 'liveness',
  claim: 'soon after the last fault (10 s, groups 30 s) every client gets on, and none is stuck',

  check(history: HistoryView) {
    const findings = new Findings();
    for (const { process, atMs } of history.of('stuck')) {
      findings.add(`${process} was told to end at ${moment(atMs)} and did not`);
    }
    const { healedMs } = history;
    if (healedMs === null) return findings;
    const reads = history.reads;
    const alone = groupBy<Timed & { process: string }>(
      [
        ...history.of('send').filter(({ outcome }) => outcome === 'done'),
        ...reads.filter(({ group }) => group === null),
      ],
      ({ process }) => process,
    );
    const inGroups = reads.filter(({ group }) => group !== null);
    const groups = groupBy(inGroups, ({ group }) => group!);
    const run = history.of('run')[0];
    const slowness = run?.slowness ?? 1;
    for (const name of run ? [...run.producers, ...run.readers] : []) {
      checkOne(name, alone.get(name) ?? [], healedMs, slowness * progressMsMax, findings);
    }
    for (const name of run?.groups ?? []) {
      checkOne(name, groups.get(name) ?? [], healedMs, slowness * groupProgressMsMax, findings);
    }
    return findings;
  },
};

function checkOne(
  name: string,
  done: readonly Timed[],
  healedMs: number,
  withinMs: number,
  findings: Findings,
): void {
  findings.checked++;
  const after = done.filter(({ begunMs }) => begunMs >= healedMs).map(({ endedMs }) => endedMs);
  const firstMs = after.reduce((least, endedMs) => Math.min(least, endedMs), Infinity);
  if (firstMs <= healedMs + withinMs) return;
  const when = firstMs === Infinity ? 'nothing' : `nothing before ${moment(firstMs)}`;
  findings.add(`${name} got ${when} done after the last fault, which ended at ${moment(healedMs)}`);
}
