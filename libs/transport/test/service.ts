import type { INestMicroservice, Provider, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { silentLogger } from '@sluice/base';
import { StreamsServer } from '../src/server/streams-server';
import type { StreamsServerOptions } from '../src/server/server-options';
import { MemoryStreams } from '../src/test-kit/memory-streams';

/** A microservice on streams in memory. */
export interface Service {
  app: INestMicroservice;
  server: StreamsServer;
  streams: MemoryStreams;
}

const running: INestMicroservice[] = [];

/** Starts a service with these controllers; `stopServices` ends it. */
export async function startService(
  controllers: Type[],
  options: Partial<StreamsServerOptions> & { streams?: MemoryStreams; providers?: Provider[] } = {},
): Promise<Service> {
  const { streams = new MemoryStreams({ partitions: 1 }), providers = [], ...rest } = options;
  const defaults = { driver: streams, group: 'billing', log: silentLogger };
  const server = new StreamsServer({ ...defaults, handlers: { retry: fastRetry }, ...rest });
  const module = await Test.createTestingModule({ controllers, providers }).compile();
  const app = module.createNestMicroservice({ strategy: server, logger: false });
  running.push(app);
  await app.listen();
  return { app, server, streams };
}

/** Attempts that follow one another at once. */
export const fastRetry = { attempts: 3, backoff: { type: 'fixed', delayMs: 1 } } as const;

/** Ends every service of a test. */
export async function stopServices(): Promise<void> {
  await Promise.all(running.splice(0).map((app) => app.close()));
}

/** What is resolved from outside. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const opener: { open?: () => void } = {};
  const opened = new Promise<void>((resolve) => (opener.open = resolve));
  return { opened, open: () => opener.open?.() };
}
