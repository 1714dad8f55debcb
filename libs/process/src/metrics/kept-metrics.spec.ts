import type { MetricDefinition } from '@sluice/base';
import { KeptMetrics } from './kept-metrics';

const metrics = () => new KeptMetrics();

/** The lines of one metric. */
async function linesOf(kept: KeptMetrics, name: string): Promise<string[]> {
  const lines = (await kept.text()).split('\n');
  return lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

const cats = { name: 'cats_total', help: 'Cats seen.' };

test('a counter without labels is there from the beginning, and adds up', async () => {
  const kept = metrics();
  const counter = kept.counter(cats);
  expect(await linesOf(kept, 'cats_total')).toEqual(['cats_total 0']);
  counter.add(2);
  counter.with({}).add(3);
  expect(await linesOf(kept, 'cats_total')).toEqual(['cats_total 5']);
  expect(await kept.text()).toContain('# HELP cats_total Cats seen.\n# TYPE cats_total counter\n');
});

test('a cell is one set of label values, however it is reached', async () => {
  const kept = metrics();
  const counter = kept.counter({ ...cats, labels: ['where', 'by'] });
  const cell = counter.with({ where: 'a"b\\c\nd', by: 'me' });
  cell.add(1);
  counter.add(1, { by: 'me', where: 'a"b\\c\nd' });
  expect(counter.with({ by: 'me', where: 'a"b\\c\nd' })).toBe(cell);
  const lines = await linesOf(kept, 'cats_total');
  expect(lines).toEqual(['cats_total{where="a\\"b\\\\c\\nd",by="me"} 2']);
});

test('values that only look alike when they are joined are sets of their own', async () => {
  const kept = metrics();
  const counter = kept.counter({ ...cats, labels: ['where', 'by'] });
  counter.add(1, { where: 'a', by: 'bc' });
  counter.add(1, { where: 'ab', by: 'c' });
  expect(await linesOf(kept, 'cats_total')).toHaveLength(2);
});

test('beyond the limit of sets all are counted as other', async () => {
  const kept = metrics();
  const counter = kept.counter({ ...cats, labels: ['where'], labelSetsMax: 2 });
  for (let i = 0; i < 1000; i++) counter.add(1, { where: `place ${i}` });
  expect(await linesOf(kept, 'cats_total')).toEqual([
    'cats_total{where="place 0"} 1',
    'cats_total{where="place 1"} 1',
    'cats_total{where="other"} 998',
  ]);
});

test('a set that is forgotten is no longer shown, and its place is free', async () => {
  const kept = metrics();
  const counter = kept.counter({ ...cats, labels: ['where'], labelSetsMax: 1 });
  const gone = counter.with({ where: 'here' });
  counter.forget({ where: 'here' });
  gone.add(1);
  counter.add(1, { where: 'there' });
  expect(await linesOf(kept, 'cats_total')).toEqual(['cats_total{where="there"} 1']);
});

test('a label that is missing or not declared is a fault of the caller', () => {
  const counter = metrics().counter({ ...cats, labels: ['where'] });
  expect(() => counter.with({})).toThrow('where');
  expect(() => counter.with({ by: 'me' })).toThrow('no value for where');
  expect(() => counter.add(1, { where: 'here', by: 'me' })).toThrow('no others');
});

test('a histogram counts up to each bound, that included', async () => {
  const kept = metrics();
  const sizes = kept.histogram({ name: 'size_bytes', help: 'Sizes.', buckets: [1, 10] });
  for (const value of [0, 1, 1.5, 10, 11]) sizes.observe(value);
  const lines = (await kept.text()).split('\n').filter((line) => line.startsWith('size_bytes'));
  expect(lines).toEqual([
    'size_bytes_bucket{le="1"} 2',
    'size_bytes_bucket{le="10"} 4',
    'size_bytes_bucket{le="+Inf"} 5',
    'size_bytes_sum 23.5',
    'size_bytes_count 5',
  ]);
});

test('what is observed is read when it is asked for; several readers are added up', async () => {
  const kept = metrics();
  const used: MetricDefinition = {
    type: 'gauge',
    name: 'used_bytes',
    help: 'Bytes.',
    labels: ['of'],
  };
  let bytes = 1;
  const stop = kept.observe(used, (tell) => tell(bytes, { of: 'a' }));
  kept.observe(used, (tell) => {
    tell(10, { of: 'a' });
    tell(20, { of: 'b' });
  });
  bytes = 5;
  expect(await linesOf(kept, 'used_bytes')).toEqual([
    'used_bytes{of="a"} 15',
    'used_bytes{of="b"} 20',
  ]);
  stop();
  expect(await linesOf(kept, 'used_bytes')).toEqual([
    'used_bytes{of="a"} 10',
    'used_bytes{of="b"} 20',
  ]);
});

test('one name is one metric of one kind, also where it is made late', async () => {
  const kept = metrics();
  await kept.text();
  kept.counter(cats).add(1);
  kept.counter(cats).add(1);
  expect(await linesOf(kept, 'cats_total')).toEqual(['cats_total 2']);
  expect(() => kept.gauge(cats)).toThrow('counter');
  expect(() => kept.histogram({ ...cats, buckets: [1] })).toThrow('another kind');
});

test('the process itself is among them, without what costs more with each connection', async () => {
  const text = await metrics().text();
  expect(text).toMatch(/^sluice_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
  for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds']) {
    expect(text).toMatch(new RegExp(`^${name} [\\d.e-]+$`, 'm'));
  }
  expect(text).not.toMatch(/^nodejs_active_/m);
});
