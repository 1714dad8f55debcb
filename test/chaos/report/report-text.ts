import type { HistoryView } from '../history/history-view';
import type { Report } from './report';
import { doneShareLeast } from './service';

const anomaliesTold = 10;
const reasonsTold = 12;

/** A report as Markdown. */
export function reportText(report: Report, history: HistoryView): string {
  const parts = [head(report), operations(report, history), faults(report), verdicts(report)];
  return `${parts.join('\n\n')}\n`;
}

function head({ run, faultsFound }: Report): string {
  const verdict = faultsFound.length === 0 ? 'passed' : `**${faultsFound.length} found**`;
  if (run === null) return `Chaos: ${verdict}`;
  const {
    setUp,
    network = 'proxies',
    seconds,
    seed,
    command,
    commit,
    versions,
    partitions,
    slowness,
  } = run;
  const rows = [
    ['Command', `\`${command}\``],
    ['Seed', String(seed)],
    ['Commit', commit],
    [
      'Set-up',
      `${setUp}, a network of ${network}, ${partitions} partitions, ${seconds} s of faults`,
    ],
    ['On', Object.values(versions).join(', ')],
    ['Slowness of the machine', slowness.toFixed(1)],
    ['Outcome', verdict],
  ];
  return table(['Run', ''], rows);
}

function operations({ service, reasons }: Report, history: HistoryView): string {
  const { done, refused, unknown, outside, withoutMs, longestMs, doneInFaults } = service;
  const all = done + refused + unknown;
  const records = history.of('send').reduce((sum, { values }) => sum + values.length, 0);
  const polls = history.reads;
  const read = polls.reduce((sum, poll) => sum + poll.records.length, 0);
  const commits = history.of('commit');
  const committed = commits.filter(({ outcome }) => outcome === 'done').length;
  const rows = [
    ['Sends', `${all}, of ${records} records`],
    ['Done', `${done} (${percent(done, all)})`],
    ['Refused', `${refused} (${percent(refused, all)})`],
    ['Unknown', `${unknown} (${percent(unknown, all)})`],
    ['Done while something was wrong', String(doneInFaults)],
    [
      `Done while nothing was wrong (${doneShareLeast * 100} % demanded)`,
      `${outside.done} of ${outside.all} (${percent(outside.done, outside.all)})`,
    ],
    ['Time without service', `${seconds(withoutMs)}, at most ${seconds(longestMs)} at once`],
    ['Records read', `${read}, in ${polls.length} polls`],
    ['Commits of raw members', `${committed} of ${commits.length}`],
    ['Places in groups', String(history.of('assigned').length)],
  ];
  const told = [...reasons].sort(([, a], [, b]) => b - a).slice(0, reasonsTold);
  const why = told.map(([reason, count]) => [reason, String(count)]);
  const parts = [table(['Operations', ''], rows)];
  if (why.length > 0) parts.push(table(['Why sends were not done', ''], why));
  return parts.join('\n\n');
}

function faults({ faults, failedFaults }: Report): string {
  const rows = [...faults].map(([name, count]) => [name, String(count)]);
  const parts = [table(['Faults', ''], rows.length > 0 ? rows : [['none', '']])];
  for (const failed of failedFaults) parts.push(`- ${failed}`);
  return parts.join('\n\n');
}

function verdicts({ verdicts }: Report): string {
  const rows = verdicts.map(({ checker, verdict }) => {
    const { checked, anomalies, allowed } = verdict;
    const nothingSeen = checked === 0 ? 'nothing to look at' : 'ok';
    const found = anomalies.length === 0 ? nothingSeen : `**${anomalies.length}**`;
    return [checker.name, checker.claim, String(checked), String(allowed), found];
  });
  const parts = [table(['Checker', 'What holds', 'Looked at', 'Allowed', 'Found'], rows)];
  for (const { checker, verdict } of verdicts) {
    const { anomalies } = verdict;
    const told = anomalies
      .slice(0, anomaliesTold)
      .map((anomaly) => `- ${checker.name}: ${anomaly}`);
    const more = anomalies.length - told.length;
    if (more > 0) told.push(`- ${checker.name}: ${more} more`);
    if (told.length > 0) parts.push(told.join('\n'));
  }
  return parts.join('\n\n');
}

function table(header: readonly string[], rows: readonly string[][]): string {
  const widths = header.map((name, i) =>
    Math.max(3, name.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

function percent(part: number, all: number): string {
  return all === 0 ? '-' : `${((100 * part) / all).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
