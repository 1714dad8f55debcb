import { baseLimits, memoryMetrics, type MetricDefinition } from '@sluice/base';
import { brokerMetrics } from '@sluice/broker';
import { clusterMetrics } from '@sluice/cluster';
import { groupMetrics } from '@sluice/groups';
import { logMetrics } from '@sluice/log';
import { metricsOfNode, processMetrics, type NodeMetric } from '@sluice/process';
import { redisMetrics } from '@sluice/redis';
import { jobMetricDefinitions } from '@sluice/retention';
import { streamJobMetrics } from '@sluice/jobs';
import { producerMetrics } from '@sluice/streams';
import { streamMetrics } from '@sluice/transport';

const opening = `# Metrics

<!-- Generated from the tables of metrics in libs by \`npm run docs\`. Do not edit. -->

Each process has its metrics in Prometheus' text form at \`/metrics\` of its HTTP endpoints. On the
hot path a metric is an addition to a number in memory; text is made when they are asked for. Until
they are asked for the first time, nothing watches Node's event loop and garbage collector.

Reading the metrics waits for nobody. What only Redis knows (lag, memory) is asked for in the
background, and only while somebody reads the metrics: a value that is older than
${baseLimits.sampleAgeMs / 1000} s is given once more, and found out anew for the next reader.

Counters begin at 0 when the process starts. The sets of values that a metric's labels may have are
limited, to ${baseLimits.labelSetsMax} where the table says nothing else. Those beyond it are
counted together, with \`other\` in each label, so names that clients make up take no memory. What
belongs to a topic goes when the topic is deleted.

There are a [Grafana dashboard](../deploy/grafana/dashboards/sluice.json),
[rules for alerts](../deploy/prometheus/alerts.yml), and a
[configuration of Prometheus](../deploy/prometheus/prometheus.yml). What measuring costs stands in
[measurements.md](measurements.md#metrics).
`;

const parts: readonly { title: string; metrics: Readonly<Record<string, MetricDefinition>> }[] = [
  { title: 'Kafka clients, produce and fetch', metrics: brokerMetrics },
  { title: 'Topics, partitions and appends', metrics: logMetrics },
  { title: 'The cluster of gateways', metrics: clusterMetrics },
  { title: 'Consumer groups', metrics: groupMetrics },
  { title: 'Retention and other housekeeping', metrics: jobMetricDefinitions },
  { title: 'Redis', metrics: redisMetrics },
  { title: 'Memory with a limit', metrics: memoryMetrics },
  { title: 'The process', metrics: processMetrics },
];

/** Those that services have in prom-client's default registry, where it is installed. */
const ofServices: typeof parts = [
  { title: 'Services on the NestJS transport: consumers', metrics: streamMetrics },
  { title: 'Services on the NestJS transport: producers', metrics: producerMetrics },
  { title: 'Services on the NestJS transport: jobs', metrics: streamJobMetrics },
];

/** All metrics of gateways and workers, which docs/metrics.md lists. */
export const documentedMetrics: readonly MetricDefinition[] = parts.flatMap(({ metrics }) =>
  Object.values(metrics),
);

/** The whole text of docs/metrics.md. */
export async function metricsMarkdown(): Promise<string> {
  const sections = [...parts, ...ofServices].map(section);
  return [opening, ...sections, nodeSection(await metricsOfNode())].join('\n');
}

function section({ title, metrics }: (typeof parts)[number]): string {
  const rows = Object.values(metrics).map((metric) => {
    const { name, type, help, labels = [], labelSetsMax } = metric;
    const named = labels.map((label) => `\`${label}\``).join(', ');
    const limit = labelSetsMax === undefined ? '' : ` (${labelSetsMax.toLocaleString('en-US')})`;
    return `| \`${name}\` | ${type} | ${named}${limit} | ${help} |`;
  });
  return [`## ${title}\n`, ...head('Labels (limit of sets)'), ...rows, ''].join('\n');
}

function nodeSection(metrics: readonly NodeMetric[]): string {
  const rows = metrics.map(({ name, type, help, labels }) => {
    const named = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${named} | ${help.replaceAll('|', '\\|')} |`;
  });
  const words = `As prom-client makes them for every program, without its lists of handles, requests
and resources, which cost more with each connection. Some are there on Linux only.
`;
  return ['## Node and the operating system\n', words, ...head('Labels'), ...rows, ''].join('\n');
}

function head(labels: string): string[] {
  return [`| Name | Type | ${labels} | What it is |`, '| --- | --- | --- | --- |'];
}
