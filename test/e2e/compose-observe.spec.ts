import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@sluice/test/support/eventually';
import { projectRoot } from '@sluice/test/tidy/source-files';
import { ComposeProject, upMsMax } from './compose-project';

const laterMs = { timeoutMs: 120_000 };
const gateways = ['gateway-1', 'gateway-2', 'gateway-3'];
let project: ComposeProject;

interface Answer {
  status: string;
  error?: string;
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

beforeAll(async () => {
  project = await ComposeProject.make('observe');
  await project.up(...gateways, 'worker', 'prometheus');
}, upMsMax);

afterAll(() => project.down(), upMsMax);

async function prometheus<T>(path: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${project.prometheusPort}/api/v1/${path}`);
  return (await response.json()) as T;
}

function ask(query: string): Promise<Answer> {
  return prometheus(`query?query=${encodeURIComponent(query)}`);
}

/** Every query of the dashboard, its variables replaced by something that matches. */
function dashboardQueries(): string[] {
  const file = join(projectRoot, 'deploy/grafana/dashboards/sluice.json');
  const queries: string[] = [];
  JSON.parse(readFileSync(file, 'utf8'), (name, value: unknown) => {
    if (name === 'expr' && typeof value === 'string') queries.push(value);
    return value;
  });
  return queries.map((query) =>
    query.replaceAll(/\$(__rate_interval|__interval|__range)/g, '1m').replaceAll(/\$\w+/g, '.*'),
  );
}

describe('the profile observe', () => {
  it('has a Prometheus that reads the metrics, with a key that may only read', async () => {
    const found = await eventually(async () => {
      const { result } = (await ask('up{job="sluice"}')).data;
      return result.length > 3 && result.every(({ value }) => value[1] === '1') && result;
    }, laterMs);
    const wanted = [...gateways.map((gateway) => `${gateway}:8080`), 'worker:8081'];
    expect(found.map(({ metric }) => metric.instance).sort()).toEqual(wanted);
    const key = (await project.inside('gateway-1', 'cat', '/keys/prometheus.key')).trim();
    expect((await project.ask('/v1/topics', { key, method: 'POST' })).status).toBe(403);
  });

  it('takes every rule for alerts', async () => {
    interface Rules {
      data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    }
    const loaded = await eventually(async () => {
      const { data } = await prometheus<Rules>('rules');
      const rules = data.groups.flatMap((group) => group.rules);
      return rules.length > 0 && rules.every(({ health }) => health !== 'unknown') && rules;
    }, laterMs);
    expect(loaded.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  it('can answer every query of the dashboard', async () => {
    const queries = dashboardQueries();
    expect(queries.length).toBeGreaterThan(10);
    for (const query of queries) {
      const { status, error } = await ask(query);
      expect({ query, status, error }).toEqual({ query, status: 'success', error: undefined });
    }
  });
});
