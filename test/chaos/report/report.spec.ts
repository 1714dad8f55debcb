import { lossAt, operationsOf, soundHistory, type SoundHistory } from '../checkers/sound-history';
import { HistoryView } from '../history/history-view';
import { makeReport } from './report';
import { reportText } from './report-text';

function viewOf(change: (history: SoundHistory) => void = () => undefined): HistoryView {
  const history = soundHistory();
  change(history);
  return new HistoryView(operationsOf(history));
}

/** Nothing came of sends that began at this time. */
const failed = (begunMs: number, count: number) => (history: SoundHistory) => {
  for (let i = 0; i < count; i++) {
    const values = [`failed/${i}`];
    const outcome = { outcome: 'unknown', offset: null, why: 'no reply came' } as const;
    const times = { begunMs, endedMs: begunMs + 10 };
    history.sends.push({ ...history.sends[9]!, process: 'late', values, ...times, ...outcome });
  }
};

describe('a report', () => {
  it('of a run in which all was well has found nothing', () => {
    const report = makeReport(viewOf());
    expect(report.faultsFound).toEqual([]);
    expect(reportText(report, viewOf())).toMatch(/^\| Outcome .*\| passed/m);
  });

  it('tells what a checker has found', () => {
    const view = viewOf(({ log }) => log[0]!.splice(2, 1));
    const report = makeReport(view);
    expect(report.faultsFound).toContainEqual(expect.stringMatching(/^lost-write: writer\/2 was/));
    expect(reportText(report, view)).toContain(report.faultsFound[0]!);
  });

  it('demands that 80 % are done while nothing is wrong', () => {
    expect(makeReport(viewOf(failed(150, 2))).faultsFound).toEqual([]);
    const [found] = makeReport(viewOf(failed(150, 3))).faultsFound;
    expect(found).toBe('10 of 13 sends outside faults were done, fewer than 80 %');
  });

  it('does not count what was sent while something was wrong', () => {
    const view = viewOf((history) => {
      failed(5_000, 20)(history);
      history.faults.push({ ...lossAt(4_990), mayLoseMs: { one: 0, all: 0 } });
    });
    expect(makeReport(view)).toMatchObject({ faultsFound: [], service: { unknown: 20 } });
  });

  it('adds up the times without service', () => {
    const late = { begunMs: 5_000, endedMs: 5_550 };
    const view = viewOf(({ sends }) => sends.push({ ...sends[9]!, process: 'late', ...late }));
    expect(makeReport(view).service).toMatchObject({ withoutMs: 4_900, longestMs: 4_900 });
  });

  it('says that nothing was acknowledged', () => {
    const view = viewOf(({ sends }) => {
      for (const send of sends) Object.assign(send, { outcome: 'unknown', offset: null });
    });
    expect(makeReport(view).faultsFound).toContain('nothing was acknowledged');
  });

  it('tells of faults that could not be brought to their end', () => {
    const view = viewOf(({ faults }) => faults.push({ ...lossAt(900), failed: 'no disk' }));
    expect(makeReport(view).faultsFound).toEqual(['power-cut-everysec of redis: no disk']);
  });
});
