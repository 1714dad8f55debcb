import type { INestApplication, INestApplicationContext, INestMicroservice } from '@nestjs/common';
import { StreamsServer } from './streams-server';

/**
 * Connects the server of `StreamsModule` to an app, with the app's own pipes, guards, interceptors
 * and filters. It joins its groups with `app.startAllMicroservices()`.
 *
 * @throws Error when `StreamsModule` was given `server: false`
 */
export function connectStreams(app: INestApplication): INestMicroservice {
  const strategy = app.get<StreamsServer | null>(StreamsServer, { strict: false });
  if (strategy === null) throw new Error('StreamsModule was told that there is no server');
  drainFirst(app, strategy);
  return app.connectMicroservice({ strategy }, { inheritAppConfig: true });
}

/** How Nest begins the end of an app, in 11 and 12: on `close()` and on signals. */
interface EndOfApp {
  callDestroyHook?: () => Promise<void>;
}

/**
 * Lets a server end before anything else of the app does. Nest calls `onModuleDestroy` of a service
 * (where pools of databases are closed) before it closes transports, and of global modules last, so
 * that handlers which still run would find their pool gone. `connectStreams` does it by itself; an
 * app made with `createMicroservice` needs it for its end by a signal.
 */
export function drainFirst(app: INestApplicationContext, server: { close(): Promise<void> }): void {
  const ending = app as unknown as EndOfApp;
  const callAsNest = ending.callDestroyHook;
  // Without it the server's own hooks end it, later.
  if (typeof callAsNest !== 'function') return;
  ending.callDestroyHook = async () => {
    await server.close();
    await callAsNest.call(app);
  };
}
