import { Module, type DynamicModule } from '@nestjs/common';
import { StreamJobsModule } from '@sluice/jobs';
import { StreamsModule } from '@sluice/transport';
import { Bank } from './bank';
import { Books, BooksController } from './books';
import { Payments } from './payments';
import { SHOP_SETTINGS, type ShopSettings } from './settings';
import { ShopController } from './shop.controller';
import { chargesTopic, ordersTopic } from './topics';

const partitions = 3;

/** The shop: orders over HTTP, charged by jobs, and books of what was paid. */
@Module({})
export class ShopModule {
  static of(settings: ShopSettings): DynamicModule {
    const { redisUrl, keyPrefix } = settings;
    return {
      module: ShopModule,
      imports: [
        StreamsModule.forRoot({ connection: { redisUrl, keyPrefix } }),
        StreamsModule.forFeature({
          topics: [
            { name: ordersTopic, partitions },
            { name: chargesTopic, partitions },
            { name: `${ordersTopic}.dlq`, partitions: 1 },
          ],
        }),
        StreamJobsModule.forRoot(),
      ],
      controllers: [ShopController, BooksController],
      providers: [Payments, Bank, Books, { provide: SHOP_SETTINGS, useValue: settings }],
    };
  }
}
