import {
  silentLogger,
  silentMetrics,
  systemClock,
  type MetricLabels,
  type Metrics,
} from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { RedisLink } from './link';
import { redisMetrics } from './metrics';

let server: TestRedis;

beforeAll(async () => {
  server = await sharedRedis();
});
afterAll(() => server.stop());

/** Notes what is counted, by name and labels. */
function notedMetrics(): { metrics: Metrics; noted: string[] } {
  const noted: string[] = [];
  const cellOf = (name: string) => (labels: MetricLabels) => {
    const note = () => void noted.push(`${name} ${Object.values(labels).join(' ')}`);
    return { add: note, observe: note, set: note };
  };
  const metricOf = (name: string) => ({
    ...cellOf(name)({}),
    with: cellOf(name),
    forget: () => {},
  });
  const metrics: Metrics = {
    ...silentMetrics,
    counter: ({ name }) => metricOf(name),
    histogram: ({ name }) => metricOf(name),
  };
  return { metrics, noted };
}

test('calls are measured by connection and command, and what is lost is counted', async () => {
  const { metrics, noted } = notedMetrics();
  const deps = { log: silentLogger, clock: systemClock, metrics };
  const link = await RedisLink.connect({ url: server.url, keyPrefix: 'metered:' }, deps);
  const { calls, failures, lost } = redisMetrics;
  try {
    noted.length = 0;
    await link.read.get('metered:nothing');
    await link.write.call('GET', 'metered:nothing');
    await expect(link.write.call('GET')).rejects.toThrow('wrong number');
    expect(noted.filter((note) => !/ (?:ping|script)$/.test(note))).toEqual([
      `${calls.name} read get`,
      `${calls.name} write get`,
      `${failures.name} write answered`,
    ]);
    const waiting = link.read.get('metered:nothing');
    link.read.stream.destroy();
    await expect(waiting).rejects.toThrow('max retries');
    expect(noted).toContain(`${failures.name} read lost`);
    await eventually(() => noted.includes(`${lost.name} read`), { what: 'the count' });
  } finally {
    await link.close();
  }
});
