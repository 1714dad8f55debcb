import { adminLimits } from '@sluice/admin';
import { baseLimits } from '@sluice/base';
import { clusterLimits } from '@sluice/cluster';
import { streamJobsLimits } from '@sluice/jobs';
import { catalogLimits, partitionLimits } from '@sluice/log';
import { fsckLimits, jobLimits, retentionLimits, scheduleLimits } from '@sluice/retention';
import { processLimits } from '@sluice/process';
import { connectionLimits, consumerLimits, producerLimits, repliesLimits } from '@sluice/streams';
import { clientLimits } from '@sluice/transport';
import { wireLimits } from '@sluice/wire';
import * as ts from 'typescript';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@sluice/test/tidy/source-files';
import { limits as brokerLimits } from '../../libs/broker/src/limits';
import { defaultGroupLimits } from '../../libs/groups/src/limits';
import { transportLimits } from '../../libs/transport/src/transport-limits';
import { limits as recordLimits } from '../../libs/records/src/limits';
import { redisLimits } from '../../libs/redis/src/options';

const opening = `# Limits

<!-- Generated from the limits in libs by \`npm run docs\`. Do not edit. -->

Every buffer, queue and wait of Sluice has a named limit. Those that an operator may want to
change are [settings](settings.md); these are the others, by library, with the comments of the
source. A row without words belongs to the one above it.
`;

interface LimitTable {
  title: string;
  file: string;
  values: Readonly<Record<string, number>>;
}

const tables: readonly LimitTable[] = [
  { title: 'Every library', file: 'libs/base/src/limits.ts', values: baseLimits },
  { title: 'Record batches', file: 'libs/records/src/limits.ts', values: recordLimits },
  { title: 'Protocol codec', file: 'libs/wire/src/limits.ts', values: wireLimits },
  { title: 'Redis connections', file: 'libs/redis/src/options.ts', values: redisLimits },
  {
    title: 'Partitions in Redis',
    file: 'libs/log/src/partition-limits.ts',
    values: partitionLimits,
  },
  {
    title: 'Topic catalogue',
    file: 'libs/log/src/topics/catalog-limits.ts',
    values: catalogLimits,
  },
  { title: 'Cluster of gateways', file: 'libs/cluster/src/limits.ts', values: clusterLimits },
  { title: 'Consumer groups', file: 'libs/groups/src/limits.ts', values: defaultGroupLimits },
  { title: 'Retention', file: 'libs/retention/src/limits.ts', values: retentionLimits },
  { title: 'Jobs', file: 'libs/retention/src/queue/job-limits.ts', values: jobLimits },
  { title: 'Schedules', file: 'libs/retention/src/options.ts', values: scheduleLimits },
  {
    title: 'Check of all keys',
    file: 'libs/retention/src/fsck/fsck-limits.ts',
    values: fsckLimits,
  },
  { title: 'Broker', file: 'libs/broker/src/limits.ts', values: brokerLimits },
  { title: 'Admin endpoints', file: 'libs/admin/src/limits.ts', values: adminLimits },
  {
    title: 'Connection of a service to the log',
    file: 'libs/streams/src/connection/connection-limits.ts',
    values: connectionLimits,
  },
  {
    title: 'Producer of a service',
    file: 'libs/streams/src/producer/producer-limits.ts',
    values: producerLimits,
  },
  {
    title: 'Consumer of a service',
    file: 'libs/streams/src/consumer/consumer-limits.ts',
    values: consumerLimits,
  },
  {
    title: 'Answers to requests of a service',
    file: 'libs/streams/src/replies/replies-limits.ts',
    values: repliesLimits,
  },
  {
    title: 'Client of a service',
    file: 'libs/transport/src/client/client-limits.ts',
    values: clientLimits,
  },
  {
    title: 'Server of a service',
    file: 'libs/transport/src/transport-limits.ts',
    values: transportLimits,
  },
  { title: 'Jobs of a service', file: 'libs/jobs/src/limits.ts', values: streamJobsLimits },
  { title: 'Start and end', file: 'libs/process/src/limits.ts', values: processLimits },
];

/** The whole text of docs/limits.md, made from the tables of limits in the libraries. */
export function limitsMarkdown(): string {
  return [opening, ...tables.map(section)].join('\n');
}

function section({ title, file, values }: LimitTable): string {
  const comments = commentsIn(file);
  const rows = Object.entries(values).map(
    ([name, value]) => `| \`${name}\` | ${inWords(name, value)} | ${comments.get(name) ?? ''} |`,
  );
  const link = `In [${file}](../${file}).`;
  return [
    `## ${title}\n`,
    `${link}\n`,
    '| Name | Value | What it is |',
    '| --- | --: | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** The comment of each property in a file; one that stands for two is the first one's. */
function commentsIn(file: string): Map<string, string> {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  const comments = new Map<string, string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) || ts.isPropertySignature(node)) {
      const comment = commentAbove(text, node);
      if (comment !== undefined) comments.set(node.name.getText(), comment);
    } else ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return comments;
}

function commentAbove(text: string, node: ts.Node): string | undefined {
  const range = ts.getLeadingCommentRanges(text, node.getFullStart())?.at(-1);
  if (range === undefined) return undefined;
  const lines = text.slice(range.pos + '/**'.length, range.end - '*/'.length).split('\n');
  return lines
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .trim()
    .replaceAll('|', '\\|');
}

/** A value with the unit that its name says. */
function inWords(name: string, value: number): string {
  if (/Ms(Min|Max)?$/.test(name)) return duration(value);
  if (/[bB]ytes/.test(name)) return size(value);
  return value.toLocaleString('en-US');
}

function duration(ms: number): string {
  const units: [name: string, ms: number][] = [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const [name, unitMs] = units.find(([, unit]) => ms >= unit && ms % unit === 0) ?? ['ms', 1];
  return `${(ms / unitMs).toLocaleString('en-US')} ${name}`;
}

function size(bytes: number): string {
  const units: [name: string, bytes: number][] = [
    ['MiB', 1024 * 1024],
    ['KiB', 1024],
  ];
  const [name, unit] = units.find(([, one]) => bytes >= one && bytes % one === 0) ?? ['B', 1];
  return `${(bytes / unit).toLocaleString('en-US')} ${name}`;
}
