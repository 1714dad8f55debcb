import type { HistoryView } from '../history/history-view';
import { Findings, moment, type Checker } from './checker';

export const crash: Checker = {
  name: 'crash',
  claim: 'no gateway that serves ends by itself',

  check(history: HistoryView) {
    const findings = new Findings();
    findings.checked = history.of('run').length;
    for (const { gateway, atMs, code, output } of history.of('crash')) {
      findings.add(`${gateway} ended at ${moment(atMs)} with ${code}, and had said: ${output}`);
    }
    return findings;
  },
};
