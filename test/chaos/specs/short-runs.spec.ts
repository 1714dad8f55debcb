import { runAndCheck, runMsMax } from './run-and-check';
import { setUps } from '../set-ups/all-set-ups';

const seconds = 12;
const seed = 1;

jest.setTimeout(runMsMax);

describe('a short run', () => {
  it.each(Object.keys(setUps))('of %s finds nothing', async (setUp) => {
    const { report, text } = await runAndCheck({ setUp, seconds, seed, faults: null });
    if (report.faultsFound.length > 0) throw new Error(text);
    expect(report.faults.size).toBeGreaterThan(2);
    const blind = report.verdicts.filter(({ verdict }) => verdict.checked === 0);
    expect(blind.map(({ checker }) => checker.name)).toEqual([]);
  });
});
