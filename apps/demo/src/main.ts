import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { connectStreams } from '@sluice/transport';
import { loadShopSettings } from './settings';
import { ShopModule } from './shop.module';

async function main(): Promise<void> {
  const settings = loadShopSettings(process.env);
  const app = await NestFactory.create(ShopModule.of(settings), { abortOnError: false });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true }));
  app.enableShutdownHooks();
  connectStreams(app);
  await app.startAllMicroservices();
  await app.listen(settings.port, settings.host);
  process.send?.({ type: 'ready', url: await app.getUrl() });
}

main().catch((error: Error) => {
  console.error(error.stack);
  process.exit(1);
});
