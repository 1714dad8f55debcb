import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { GatewayProcess } from './gateway-process';

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.stop());

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s stops the gateway in order, and it ends by itself',
  async (signal) => {
    const gateway = await GatewayProcess.start({ redisUrl: redis.url, port: 0 });
    const { code, output } = await gateway.end(signal);
    expect(code).toBe(0);
    expect(output).toMatch(/stopped\s*$/);
    expect(output).not.toContain('something still runs');
  },
);
