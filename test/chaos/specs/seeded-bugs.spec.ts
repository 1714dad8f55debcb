import type { Report } from '../report/report';
import { runAndCheck, runMsMax } from './run-and-check';
import { sabotage } from './sabotage';

let report: Report;
let text: string;

jest.setTimeout(runMsMax);

beforeAll(async () => {
  const asked = { setUp: 'single', seconds: 2, seed: 1, faults: ['script-flush'] };
  ({ report, text } = await runAndCheck({ ...asked, sabotage }));
});

/** What a checker has found. */
function anomaliesOf(name: string): string[] {
  const own = report.verdicts.filter(({ checker }) => checker.name === name);
  return own.flatMap(({ verdict }) => verdict.anomalies);
}

/** Bugs of a real run, between real clients, a real gateway and a real Redis. */
it.each([
  ['an acknowledgement of what was never written', 'lost-write', /^raw-plain-1\//],
  ['a refusal of what was written', 'aborted-read', /^raw-plain-2\//],
  ['a batch of an idempotent producer that is written twice', 'duplicate', /^raw-idempotent-1\//],
  ['an entry that Redis loses after it was acknowledged', 'lost-write', /^(?!raw-plain-1\/)/],
  ['an entry that Redis loses after it was read', 'final-log', / it is not at partition/],
])('%s is found by %s', (_, checker, sentence) => {
  const found = anomaliesOf(checker).filter((anomaly) => sentence.test(anomaly));
  if (found.length === 0) throw new Error(text);
  expect(report.faultsFound.length).toBeGreaterThanOrEqual(found.length);
});
