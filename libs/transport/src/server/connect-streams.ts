import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { StreamsServer } from './streams-server';

/**
 * Connects the server of `StreamsModule` to an app, with the app's own pipes, guards, interceptors
 * and filters. It joins its groups with `app.startAllMicroservices()`.
 */
export function connectStreams(app: INestApplication): INestMicroservice {
  const strategy = app.get(StreamsServer, { strict: false });
  return app.connectMicroservice({ strategy }, { inheritAppConfig: true });
}
