import { baseLimits, type MetricDefinition } from '@sluice/base';
import { KeptMetrics, metricsOfNode, type NodeMetric } from '@sluice/process';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { readAlerts, readDashboard } from '@sluice/test/support/deployed';
import { eventually } from '@sluice/test/support/eventually';
import { parseExposition, type ExposedMetric } from '@sluice/test/support/exposition';
import { kafkaAt, producerOf, quickConsumer } from '@sluice/test/support/kafkajs';
import { kcat, readWithKcat } from '@sluice/test/support/kcat';
import { readQuery, type Selected } from '@sluice/test/support/promql';
import { documentedMetrics } from '../docs/metrics-markdown';

/*
 * What a gateway tells of itself after real clients have used it, and whether the documents, the
 * dashboard and the alerts speak of the same metrics.
 */

/** Set by Prometheus itself. */
const scraped = { metrics: ['up'], labels: ['job', 'instance', 'le'] };
const groupId = 'kitchen';
const topic = 'menu';
const records = 50;
const soups = 40;

let broker: TestBroker;
let metrics: KeptMetrics;
let exposed: Map<string, ExposedMetric>;
let ofNode: NodeMetric[];

/** As a Prometheus does it. */
async function scrape(): Promise<Map<string, ExposedMetric>> {
  const response = await fetch(`${broker.adminUrl}/metrics`);
  expect(response.headers.get('content-type')).toBe(metrics.contentType);
  return parseExposition(await response.text());
}

/** Whether a housekeeping job was done. */
const hasRun = (now: Map<string, ExposedMetric>) =>
  sum('sluice_housekeeping_runs_total', { outcome: 'done' }, now) > 0;

/** The sum of a metric's numbers whose labels are as given; of a histogram, its counts. */
function sum(name: string, labels: Record<string, string> = {}, from = exposed): number {
  const found = from
    .get(name)!
    .samples.filter(
      (sample) =>
        [name, `${name}_count`].includes(sample.name) &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  return found.reduce((total, { value }) => total + value, 0);
}

beforeAll(async () => {
  metrics = new KeptMetrics();
  ofNode = await metricsOfNode();
  broker = await startBroker({
    isClustered: true,
    metrics,
    admin: { metricsText: metrics },
    housekeeping: { worker: true },
    defaultPartitions: 3,
  });
  const kafka = kafkaAt(broker.port);
  const producer = await producerOf(kafka, { idempotent: true });
  const messages = Array.from({ length: records }, (_, i) => ({ key: `${i}`, value: `dish ${i}` }));
  await producer.send({ topic, messages });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId, ...quickConsumer });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let seen = 0;
  await consumer.run({ eachMessage: async () => void seen++ });
  await eventually(() => seen >= records, { what: 'reading the records' });
  await consumer.disconnect();
  await kcat(
    broker.port,
    ['-P', '-t', topic, '-p', '0', '-z', 'gzip'],
    'the same soup\n'.repeat(soups),
  );
  await readWithKcat(broker.port, topic, ['-o', 'beginning', '-e']);
  exposed = await eventually(
    async () => {
      const now = await scrape();
      return (
        sum('sluice_group_lag_records', { group: groupId }, now) === soups && hasRun(now) && now
      );
    },
    { what: 'the lag of the group' },
  );
});

afterAll(async () => {
  await broker?.stop();
  await broker?.redis.stop();
});

describe('the metrics of a gateway', () => {
  it('are those that the documents list, with their labels, and no others', () => {
    const documented = new Map(documentedMetrics.map((metric) => [metric.name, metric]));
    const known = [...documented.keys(), ...ofNode.map(({ name }) => name)];
    expect([...exposed.keys()].filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => !exposed.has(name))).toEqual([]);
    for (const [name, { type, help, labels = [] }] of documented) {
      const metric = exposed.get(name)!;
      expect({ name, type: metric.type, help: metric.help }).toEqual({ name, type, help });
      for (const sample of metric.samples) {
        const own = Object.keys(sample.labels).filter((label) => label !== 'le');
        expect({ name, labels: own }).toEqual({ name, labels });
      }
    }
  });

  it('have names as Prometheus wants them', () => {
    for (const { name, type, help, labels = [] } of documentedMetrics) {
      expect({ name, taken: labels.filter((label) => scraped.labels.includes(label)) }).toEqual({
        name,
        taken: [],
      });
      expect(name).toMatch(/^sluice_[a-z_]+$/);
      expect({ name, isTotal: name.endsWith('_total') }).toEqual({
        name,
        isTotal: type === 'counter',
      });
      expect(help).toMatch(/^[A-Z1].*\.$/);
    }
  });

  it('tell what the clients did', () => {
    const written = records + soups;
    expect(sum('sluice_produced_records_total', { topic })).toBe(written);
    expect(sum('sluice_fetched_records_total', { topic })).toBe(records + written);
    expect(sum('sluice_append_batches_total', { result: 'appended' })).toBe(
      sum('sluice_produced_batches_total'),
    );
    expect(sum('sluice_read_bytes_total')).toBe(sum('sluice_fetched_bytes_total', { topic }));
    expect(sum('sluice_partitions')).toBe(3);
    expect(sum('sluice_producer_ids_total')).toBe(1);
    expect(sum('sluice_examine_seconds', { where: 'loop' })).toBe(1);
    expect(sum('sluice_group_rebalances_total')).toBeGreaterThan(0);
    expect(sum('sluice_group_committed_offsets_total')).toBeGreaterThanOrEqual(3);
    expect(sum('sluice_redis_call_seconds', { command: 'log/append' })).toBe(
      sum('sluice_append_calls_total', { path: 'script' }),
    );
    expect(sum('sluice_redis_call_seconds', { connection: 'entries', command: 'xrange' })).toBe(
      sum('sluice_reads_total', { source: 'cold' }),
    );
    expect(sum('sluice_redis_admission')).toBe(1);
    expect(sum('sluice_redis_memory_used_bytes')).toBeGreaterThan(0);
    // A request is counted when it comes; some that wait are not answered yet.
    const requests = sum('sluice_kafka_requests_total', { api: 'Produce' });
    expect(sum('sluice_kafka_request_seconds', { api: 'Produce' })).toBe(requests);
    expect(sum('sluice_kafka_connections_accepted_total')).toBe(
      sum('sluice_kafka_connections') + sum('sluice_kafka_connections_closed_total'),
    );
  });

  it('do not grow with the names that clients make up', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `made-up-${i}`);
    for (const name of names) {
      const made = await broker.catalog.create({ name, partitions: 1, validateOnly: false });
      expect(made).toHaveProperty('created');
    }
    const producer = await producerOf(kafkaAt(broker.port));
    const topicMessages = names.map((name) => ({ topic: name, messages: [{ value: 'x' }] }));
    await producer.sendBatch({ topicMessages });
    await producer.disconnect();
    exposed = await scrape();
    const topics = exposed.get('sluice_produced_records_total')!.samples;
    expect(topics).toHaveLength(201);
    expect(sum('sluice_produced_records_total', { topic: 'other' })).toBe(300 - 199);
    for (const { name, labels = [], labelSetsMax = baseLimits.labelSetsMax } of documentedMetrics) {
      const { samples } = exposed.get(name)!;
      const sets = samples.map((one) => JSON.stringify(labels.map((label) => one.labels[label])));
      const isBounded = new Set(sets).size <= labelSetsMax + 1;
      expect({ name, isBounded }).toEqual({ name, isBounded: true });
    }
  });
});

describe('the dashboard', () => {
  const { panels, templating, ...dashboard } = readDashboard();
  const queries = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): [string, string] => [title, expr]),
  );

  it.each(queries)('%s: asks for what there is: %s', (_, query) => {
    expect(missingIn(query)).toEqual([]);
  });

  it('is what Grafana takes', () => {
    expect(dashboard).toMatchObject({ uid: 'sluice', title: 'Sluice', schemaVersion: 39 });
    const ids = panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const [datasource, ...variables] = templating.list;
    expect(datasource).toMatchObject({ name: 'datasource', type: 'datasource' });
    for (const { query } of variables) {
      const asked = typeof query === 'string' ? query : query.query;
      const [, metric] = /^label_values\((.+), \w+\)$/.exec(asked) ?? [];
      expect(missingIn(metric!)).toEqual([]);
    }
    const names = templating.list.map(({ name }) => name);
    for (const { type, targets = [], datasource: own, fieldConfig, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      if (type === 'row') continue;
      expect(own).toEqual({ type: 'prometheus', uid: '${datasource}' });
      expect(fieldConfig?.defaults.unit).toMatch(/^\w+$/);
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const { expr } of targets) {
        const used = [...expr.matchAll(/\$(?!__)\{?(\w+)/g)].map(([, name]) => name!);
        expect(used.filter((name) => !names.includes(name))).toEqual([]);
      }
    }
  });
});

describe('the alerts', () => {
  const alerts = readAlerts();

  it('are there', () => expect(alerts.length).toBeGreaterThan(10));

  it.each(alerts)('$alert: asks for what there is, and says what it means', ({ expr, text }) => {
    expect(missingIn(expr)).toEqual([]);
    expect(text).toMatch(/^ {10}severity: (page|ticket)$/m);
    expect(text).toMatch(/^ {10}summary: '.+'$/m);
    expect(text).toMatch(/^ {10}description: >-\n {12}\w/m);
  });
});

/** Metrics, labels and values of labels that a query names and that are not there. */
function missingIn(query: string): string[] {
  const { selected, grouped } = readQuery(query);
  const labels = new Set(scraped.labels);
  const missing: string[] = [];
  for (const one of selected) {
    const metric = metricOf(one);
    if (metric === null) missing.push(one.metric);
    for (const label of metric?.labels ?? []) labels.add(label);
    missing.push(...one.labels.filter((label) => !knows(metric, label)));
    if (one.metric === 'sluice_redis_admission') {
      const states = exposed.get(one.metric)!.samples.map(({ labels: { state } }) => state);
      if (!states.includes(one.values['state'])) missing.push(`state ${one.values['state']}`);
    }
  }
  return [...missing, ...grouped.filter((label) => !labels.has(label))];
}

function knows(metric: { labels: readonly string[] } | null, label: string): boolean {
  return scraped.labels.includes(label) || (metric?.labels.includes(label) ?? false);
}

function metricOf({ metric }: Selected): { labels: readonly string[] } | null {
  if (scraped.metrics.includes(metric)) return { labels: [] };
  const all: readonly Pick<MetricDefinition, 'name' | 'type' | 'labels'>[] = documentedMetrics;
  for (const { name, type, labels = [] } of [...all, ...ofNode]) {
    const suffix = type === 'histogram' ? '_(?:bucket|sum|count)' : '';
    if (new RegExp(`^${name}${suffix}$`).test(metric) && exposed.has(name)) return { labels };
  }
  return null;
}
