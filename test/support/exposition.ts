/** One line with a number. */
export interface ExposedSample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** One metric of the text form, with all its lines. */
export interface ExposedMetric {
  name: string;
  type: string;
  help: string;
  samples: ExposedSample[];
}

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const samplePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/**
 * Reads Prometheus' text form (version 0.0.4), strictly: whatever a Prometheus might refuse is
 * refused. Histograms are checked too.
 *
 * @throws Error that names the line, or the metric
 */
export function parseExposition(text: string): Map<string, ExposedMetric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const metrics = new Map<string, ExposedMetric>();
  let current: ExposedMetric | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (!namePattern.test(name!) || metrics.has(name!)) throw new Error(`bad or twice: ${line}`);
      current = { name: name!, help: rest!, type: '', samples: [] };
      metrics.set(name!, current);
    } else if (kind === 'TYPE') {
      if (current?.name !== name || !types.includes(rest!)) throw new Error(`misplaced: ${line}`);
      current!.type = rest!;
    } else {
      current?.samples.push(sampleOf(line, current));
    }
  }
  for (const metric of metrics.values()) checkMetric(metric);
  return metrics;
}

function sampleOf(line: string, { name: ofMetric, type }: ExposedMetric): ExposedSample {
  const [, name, labelText = '', number] = samplePattern.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => name === ofMetric + suffix)) throw new Error(`alien: ${line}`);
  const value = number === '+Inf' ? Infinity : Number(number);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels: labelsOf(labelText, line), value };
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  labelPattern.lastIndex = 0;
  while (labelPattern.lastIndex < text.length) {
    const found = labelPattern.exec(text);
    const [, name = '', value = ''] = found ?? [];
    if (name === '' || name in labels) throw new Error(`bad labels: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one));
  }
  return labels;
}

function checkMetric({ name, type, samples }: ExposedMetric): void {
  const seen = new Set<string>();
  for (const sample of samples) {
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw new Error(`twice: ${key}`);
    seen.add(key);
    if (type !== 'gauge' && sample.value < 0) throw new Error(`negative: ${key}`);
  }
  if (type === 'histogram') checkHistogram(name, samples);
}

/** Ranges that rise, up to +Inf, which is the count. */
function checkHistogram(name: string, samples: readonly ExposedSample[]): void {
  const sets = new Map<string, { bound: number; value: number }[]>();
  const counts = new Map<string, number>();
  for (const { name: line, labels, value } of samples) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    if (line === `${name}_count`) counts.set(key, value);
    if (line !== `${name}_bucket`) continue;
    const bound = le === '+Inf' ? Infinity : Number(le);
    sets.set(key, [...(sets.get(key) ?? []), { bound, value }]);
  }
  for (const [key, ranges] of sets) {
    const rises = ranges.every(
      ({ bound, value }, i) =>
        i === 0 || (bound > ranges[i - 1]!.bound && value >= ranges[i - 1]!.value),
    );
    const { bound, value } = ranges.at(-1)!;
    if (!rises || bound !== Infinity || value !== counts.get(key)) {
      throw new Error(`the ranges of ${name}${key} are not those of a histogram`);
    }
  }
}
