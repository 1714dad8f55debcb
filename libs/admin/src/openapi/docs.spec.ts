import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, problemIn } from '../../test/ask';
import { allRoutes } from '../../test/routes';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';
import { projectRoot } from '@sluice/test/tidy/source-files';

interface Operation {
  operationId: string;
  summary: string;
  description: string;
  parameters?: { name: string; description?: string }[];
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, object> }> };
}

type Given = Record<'key' | 'value' | 'partition' | 'timestampMs' | 'headers', object>;

let gateway: TestBroker;
let document: Document;
let operations: (Operation & { name: string })[];

beforeAll(async () => {
  // With keys: what a browser loads needs none.
  gateway = await startBroker({ admin: { keys: 'one:admin:a-key-of-the-tests' } });
  const { text } = await ask(gateway.adminUrl, '/docs/openapi.json');
  document = JSON.parse(text) as Document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({ ...one, name: `${method} ${path}` })),
  );
});

afterAll(async () => (await sharedRedis()).stop());

test('what is served is what is committed', () => {
  const committed = readFileSync(join(projectRoot, 'docs/openapi.json'), 'utf8');
  expect(document).toEqual(JSON.parse(committed));
});

test('has every route that is not for browsers alone', () => {
  const routes = allRoutes().filter(({ facts }) => facts?.isHidden !== true);
  expect(operations.length).toBe(routes.length);
});

test('tells of each what it is, what it takes and what it answers', () => {
  for (const { name, summary, description, parameters = [], responses } of operations) {
    expect([name, summary]).toEqual([name, expect.stringMatching(/^[A-Z].+[^.]$/)]);
    expect([name, description]).toEqual([name, expect.stringMatching(/Needs (no|a) key/)]);
    for (const one of parameters) {
      expect([name, one]).toEqual([
        name,
        expect.objectContaining({ description: expect.any(String) }),
      ]);
    }
    const statuses = Object.keys(responses);
    expect([name, statuses]).toEqual([name, expect.arrayContaining(['429', '500'])]);
    expect([name, statuses.some((status) => status.startsWith('2'))]).toEqual([name, true]);
  }
});

test('no two operations have one id', () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test('every schema that is named is there, and every property is explained', () => {
  const text = JSON.stringify(document);
  const named = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]!);
  expect([...new Set(named)].sort()).toEqual(Object.keys(document.components.schemas).sort());
  for (const [name, { properties }] of Object.entries(document.components.schemas)) {
    for (const [property, schema] of Object.entries(properties)) {
      const where = `${name}.${property}`;
      const explained = expect.objectContaining({ description: expect.any(String) });
      expect([where, schema]).toEqual([where, explained]);
    }
  }
});

/** What bytes may be given or told as: the first property of each form. */
function forms(schema: object | undefined): (string | undefined)[] {
  const { oneOf } = schema as { oneOf: { properties?: object }[] };
  return oneOf.map(({ properties = {} }) => Object.keys(properties)[0]);
}

test('records have types, as they are told and as they are given', () => {
  const { RecordView, HeaderView, ProduceBody } = document.components.schemas;
  for (const told of [RecordView!.properties.key, HeaderView!.properties.value]) {
    expect(forms(told)).toEqual(['text', 'json', 'base64']);
  }
  const { items } = ProduceBody!.properties.records as { items: { properties: Given } };
  expect(forms(items.properties.value)).toEqual([undefined, 'text', 'json', 'base64']);
  expect(items.properties.partition).toMatchObject({ type: 'integer', minimum: 0 });
});

test('a browser gets the page and all that it loads', async () => {
  const page = await ask(gateway.adminUrl, '/docs', { headers: { Accept: 'text/html' } });
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  const loaded = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map((match) => match[1]!);
  expect(loaded.length).toBe(4);
  for (const path of loaded) {
    const { status, headers, text } = await ask(gateway.adminUrl, path);
    expect([path, status, headers['cache-control']]).toEqual([path, 200, 'max-age=3600']);
    expect(text.length).toBeGreaterThan(0);
  }
});

test.each(['/docs/package.json', '/docs/..%2fpackage.json', '/docs/index.js'])(
  'no other file is given away: %s',
  async (path) => {
    const answer = await ask(gateway.adminUrl, path);
    expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-route']);
  },
);
