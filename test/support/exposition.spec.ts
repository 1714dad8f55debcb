import { parseExposition } from './exposition';

const head = '# HELP a_total A.\n# TYPE a_total counter\n';
const histogram = (lines: string) => `# HELP h H.\n# TYPE h histogram\n${lines}`;

test('metrics with their labels', () => {
  const text = `${head}a_total{x="q\\"b\\\\n\\n",y=""} 1\na_total 2e3\n`;
  expect(parseExposition(text).get('a_total')).toEqual({
    name: 'a_total',
    help: 'A.',
    type: 'counter',
    samples: [
      { name: 'a_total', labels: { x: 'q"b\\n\n', y: '' }, value: 1 },
      { name: 'a_total', labels: {}, value: 2000 },
    ],
  });
});

test.each([
  ['no end of the last line', 'no end', `${head}a_total 1`],
  ['a metric twice', 'twice', head + head],
  ['a type that is none', 'misplaced', '# HELP a A.\n# TYPE a number\n'],
  ['a type of another metric', 'misplaced', '# HELP a A.\n# TYPE b counter\n'],
  ['a line of another metric', 'alien', `${head}b_total 1\n`],
  ['a line twice', 'twice', `${head}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`],
  ['no number', 'no number', `${head}a_total one\n`],
  ['a negative counter', 'negative', `${head}a_total -1\n`],
  ['a quote in a label', 'bad labels', `${head}a_total{x="q"b"} 1\n`],
  [
    'ranges that fall',
    'ranges of h',
    histogram('h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_count 1\n'),
  ],
  ['ranges without an end', 'ranges of h', histogram('h_bucket{le="1"} 2\nh_count 2\n')],
  ['ranges that are not the count', 'ranges of h', histogram('h_bucket{le="+Inf"} 2\nh_count 3\n')],
])('refused: %s', (_, message, text) => {
  expect(() => parseExposition(text)).toThrow(message);
});
