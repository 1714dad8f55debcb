import { eventually } from '@sluice/test/support/eventually';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import {
  FreshService,
  installMsMax,
  makePackages,
  projectVersion,
  removePackages,
} from './fresh-service';

/** What the getting-started tells to install beside the packages, but for NestJS. */
const others = ['bullmq', 'ioredis', 'reflect-metadata', 'rxjs', '@types/node'];
const parts = ['common', 'core', 'microservices', 'platform-express'];

/** The newest of NestJS 11 that has all of its parts, and the project's own of NestJS 12. */
const versions = [
  { nest: '11.2.6', moduleType: 'commonjs' },
  { nest: projectVersion('@nestjs/core'), moduleType: 'module' },
] as const;

let redis: TestRedis;

beforeAll(makePackages, installMsMax);
afterAll(removePackages);

beforeEach(async () => {
  redis = await startRedis();
});

afterEach(() => redis?.stop());

it.each(versions)(
  'the getting-started works with NestJS $nest, installed with npm, as $moduleType',
  async ({ nest, moduleType }) => {
    const service = new FreshService(moduleType);
    try {
      await service.install([
        ...parts.map((part) => `@nestjs/${part}@${nest}`),
        ...others.map((name) => `${name}@${projectVersion(name)}`),
      ]);
      await service.compile();
      await service.start(redis.adminUrl);
      for (const [index, customer] of ['alice', 'bob'].entries()) {
        const sent = await service.post('/orders', { customer, total: 7 });
        expect(sent).toMatchObject({ topic: 'orders', partition: 0, offset: index });
      }
      await eventually(() => /0\/0 alice 7\n[^]*0\/1 bob 7/.test(service.output));
    } finally {
      await service.remove();
    }
  },
  installMsMax,
);
