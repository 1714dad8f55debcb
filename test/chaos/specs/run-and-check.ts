import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHistory } from '../history/history-file';
import { HistoryView } from '../history/history-view';
import { makeReport, type Report } from '../report/report';
import { reportText } from '../report/report-text';
import { runChaos, type RunOptions } from '../run';

/** Other specs run at the same time, and other programs. */
const patience = 5;
/** For a test that runs it; all of its waits, each to its end. */
export const runMsMax = 15 * 60_000;

/** Runs and checks; the text tells whoever has to find out what was wrong. */
export async function runAndCheck(
  options: Pick<RunOptions, 'setUp' | 'network' | 'seconds' | 'seed' | 'faults' | 'sabotage'>,
): Promise<{ report: Report; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-'));
  const historyFile = join(folder, 'history.jsonl');
  try {
    await runChaos({
      ...options,
      patience,
      historyFile,
      logFolder: null,
      command: `--set-up ${options.setUp} --seconds ${options.seconds} --seed ${options.seed}`,
      commit: 'these files',
      signal: new AbortController().signal,
      progress: () => undefined,
    });
    const history = new HistoryView(readHistory(historyFile));
    const report = makeReport(history);
    return { report, text: reportText(report, history) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
