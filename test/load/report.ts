import type { Measurement } from './bench-context';

/** The results as a table for people. */
export function textReport(machine: string, results: Measurement[]): string {
  const rows = results.map((one) => [
    one.name,
    `${digits(one.sluice)} ${one.unit}`,
    one.peer === undefined ? '' : `${digits(one.peer)} ${one.unit}`,
    one.ratio === undefined ? '' : one.ratio.toFixed(2),
    one.target === undefined ? '' : `${one.target}: ${one.met ? 'met' : 'MISSED'}`,
  ]);
  const head = ['what', 'Sluice', 'peer', 'ratio', 'asked'];
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]!.length)),
  );
  const line = (row: string[]) =>
    row
      .map((cell, i) => (i === 0 || i === 4 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const peers = [...new Set(results.map(({ peerName }) => peerName))].filter(Boolean).join('; ');
  return [machine, `peers: ${peers}`, '', line(head), ...rows.map(line), ''].join('\n');
}

function digits(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
