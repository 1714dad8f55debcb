import { Controller, Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { silentLogger } from '@sluice/base';
import {
  connectStreams,
  InjectStreamsClient,
  StreamContext,
  StreamHandler,
  StreamRecord,
  StreamRequest,
  StreamsClient,
  StreamsModule,
} from '@sluice/transport';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { from, lastValueFrom, toArray } from 'rxjs';

const seen: { id: number; key: string | null; partition: number }[] = [];

@Controller()
class Orders {
  @StreamHandler('orders')
  take(@Payload() order: { id: number }, @Ctx() context: StreamContext) {
    const key = context.getKey()?.toString() ?? null;
    seen.push({ id: order.id, key, partition: context.getPartition() });
  }

  @StreamRequest('sum')
  sum(@Payload() numbers: number[]) {
    return numbers.reduce((total, one) => total + one, 0);
  }

  @StreamRequest('count')
  count(@Payload() until: number) {
    return from(Array.from({ length: until }, (_, i) => i));
  }

  @StreamRequest('fail')
  fail(): never {
    throw new Error('not today');
  }
}

@Injectable()
class Shop {
  constructor(@InjectStreamsClient() readonly client: StreamsClient) {}
}

async function startApp() {
  const connection = { redisUrl: (await sharedRedis()).url, keyPrefix: freshPrefix() };
  const built = await Test.createTestingModule({
    imports: [
      StreamsModule.forRoot({ connection, server: { group: 'shop' }, log: silentLogger }),
      StreamsModule.forFeature({ topics: [{ name: 'orders', partitions: 3 }] }),
    ],
    controllers: [Orders],
    providers: [Shop],
  }).compile();
  const app = built.createNestApplication();
  app.useLogger(false);
  connectStreams(app);
  await app.startAllMicroservices();
  await app.init();
  return app;
}

/** One app on Redis alone: its handlers get what its client writes, and answer what it asks. */
describe('a NestJS service on streams', () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let client: StreamsClient;
  beforeAll(async () => {
    app = await startApp();
    ({ client } = app.get(Shop));
  });
  afterAll(async () => {
    await app.close();
    await (await sharedRedis()).stop();
  });

  it('handles events of one key in order', async () => {
    const ids = Array.from({ length: 20 }, (_, id) => id);
    const records = ids.map((id) => new StreamRecord({ id }, { key: 'alice' }));
    const [sent] = await client.emitBatch('orders', records);
    await eventually(() => seen.length === ids.length);
    expect(seen.map(({ id }) => id)).toEqual(ids);
    expect(seen[0]).toMatchObject({ key: 'alice', partition: sent!.partition });
  });

  it('answers requests, with one value or several', async () => {
    expect(await lastValueFrom(client.send('sum', [1, 2, 3]))).toBe(6);
    const counted = client.send<number>('count', 4).pipe(toArray());
    expect(await lastValueFrom(counted)).toEqual([0, 1, 2, 3]);
  });

  it('answers with the error of a handler', async () => {
    await expect(lastValueFrom(client.send('fail', 'x'))).rejects.toMatchObject({
      status: 'error',
    });
  });
});
