import { allCheckers } from '../checkers/all';
import type { Checker, Verdict } from '../checkers/checker';
import { groupBy } from '../checkers/checker';
import type { HistoryView } from '../history/history-view';
import type { RunNote } from '../history/operation';
import { doneShareLeast, serviceOf, type Service } from './service';

/** What a run has shown. */
export interface Report {
  run: RunNote | null;
  service: Service;
  /** By kind of fault, how often it happened. */
  faults: Map<string, number>;
  /** Faults that could not be brought to their end, a sentence each. */
  failedFaults: string[];
  verdicts: { checker: Checker; verdict: Verdict }[];
  /** By outcome and reason, how many sends. */
  reasons: Map<string, number>;
  /** What must not be, one line each; empty where the run has passed. */
  faultsFound: string[];
}

/** Runs checkers over a history. */
export function makeReport(
  history: HistoryView,
  checkers: readonly Checker[] = allCheckers,
): Report {
  const service = serviceOf(history);
  const verdicts = checkers.map((checker) => ({ checker, verdict: checker.check(history) }));
  const faultNotes = history.of('fault');
  const failedFaults = faultNotes.flatMap(({ fault, target, failed }) =>
    failed === undefined ? [] : [`${fault} of ${target}: ${failed}`],
  );
  return {
    run: history.of('run')[0] ?? null,
    service,
    faults: countBy(faultNotes.map(({ fault }) => fault)),
    failedFaults,
    verdicts,
    reasons: reasonsOf(history),
    faultsFound: [
      ...verdicts.flatMap(({ checker, verdict }) =>
        verdict.anomalies.map((anomaly) => `${checker.name}: ${anomaly}`),
      ),
      ...failedFaults,
      ...wrongService(service),
    ],
  };
}

function wrongService({ outside, done }: Service): string[] {
  if (done === 0) return ['nothing was acknowledged'];
  if (outside.all === 0 || outside.share >= doneShareLeast) return [];
  const share = `${outside.done} of ${outside.all} sends outside faults were done`;
  return [`${share}, fewer than ${doneShareLeast * 100} %`];
}

function reasonsOf(history: HistoryView): Map<string, number> {
  const failed = history.of('send').filter(({ outcome }) => outcome !== 'done');
  return countBy(failed.map(({ client, outcome, why }) => `${client}, ${outcome}: ${why}`));
}

function countBy(names: readonly string[]): Map<string, number> {
  const groups = groupBy(names, (name) => name);
  const counts = [...groups].map(([name, all]) => [name, all.length] as const);
  return new Map(counts.sort(([a], [b]) => (a < b ? -1 : 1)));
}
