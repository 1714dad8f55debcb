import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import type { ModuleMetadata, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { JobConnection, RedisLink } from '@sluice/redis';
import { STREAMS_DRIVER } from '@sluice/transport';
import { loadBullmq, type StreamQueue } from '../bullmq';
import { isQueueName, queuePrefix } from '../keys';
import { STREAM_JOBS_GROUND, type StreamJobsGround } from '../nest/stream-jobs';
import { StreamJobMistake } from '../options';

/**
 * Decides who may look: calls `next` for those, and answers all others itself. Express' own types
 * fit, too, which is why it is written as a method's.
 */
export type BoardMiddleware = {
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): unknown;
}['handle'];

/** Which queues are shown, where, and to whom. */
export interface StreamJobsBoardOptions {
  /** As `/jobs`. */
  path: string;
  queues: readonly string[];
  /** Bull Board lets everybody in, so somebody else has to stand at the door. */
  middleware: BoardMiddleware;
  /** Whoever gets in may retry and remove jobs, and pause queues. Default: false. */
  mayChange?: boolean;
  imports?: ModuleMetadata['imports'];
  /** Nest's token of a `StreamJobsGround`. Default: what `StreamsModule` has. */
  ground?: InjectionToken;
}

const BOARD_OPTIONS = Symbol('StreamJobsBoardOptions');

/** Bull Board for queues that topics feed, in an application on Express. */
@Module({})
export class StreamJobsBoardModule implements OnModuleInit, OnApplicationShutdown {
  readonly #queues: StreamQueue[] = [];
  readonly #connections: JobConnection[] = [];

  constructor(
    @Inject(BOARD_OPTIONS) private readonly options: StreamJobsBoardOptions,
    @Inject(STREAM_JOBS_GROUND) private readonly ground: StreamJobsGround,
    private readonly host: HttpAdapterHost,
  ) {}

  /** @throws StreamJobMistake without a middleware */
  static forRoot(options: StreamJobsBoardOptions): DynamicModule {
    const { path, queues, middleware, imports = [], ground = STREAMS_DRIVER } = options;
    // Also for those who do not check types.
    if (typeof middleware !== 'function') {
      throw new StreamJobMistake('A board of jobs needs a middleware that decides who may look.');
    }
    if (!/^\/[\w-]+(?:\/[\w-]+)*$/.test(path) || !queues.every(isQueueName)) {
      throw new StreamJobMistake('A board of jobs has a path, as /jobs, and names of queues.');
    }
    return {
      module: StreamJobsBoardModule,
      imports,
      providers: [
        { provide: BOARD_OPTIONS, useValue: options },
        { provide: STREAM_JOBS_GROUND, useExisting: ground },
      ],
    };
  }

  async onModuleInit(): Promise<void> {
    const { httpAdapter } = this.host;
    if (httpAdapter?.getType() !== 'express') {
      throw new StreamJobMistake('A board of jobs needs an application on Express.');
    }
    const { path, middleware } = this.options;
    httpAdapter.use(path, middleware, await this.#board());
  }

  async onApplicationShutdown(): Promise<void> {
    const closing = this.#queues.map((queue) => queue.close().catch(() => undefined));
    await Promise.all(this.#connections.splice(0).map((connection) => connection.close()));
    await Promise.all(closing);
  }

  async #board(): Promise<BoardMiddleware> {
    const [{ Queue }, { createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] =
      await Promise.all([
        loadBullmq(),
        import('@bull-board/api'),
        import('@bull-board/api/bullMQAdapter'),
        import('@bull-board/express'),
      ]);
    const { path, queues, mayChange = false } = this.options;
    const { redis } = await this.ground.connection.connect();
    for (const name of queues) {
      const prefix = queuePrefix(redis.keyPrefix, name);
      const connection = this.#connectionOf(redis, prefix);
      const shown = { connection: connection.redis, prefix, skipMetasUpdate: true };
      const queue: StreamQueue = new Queue(name, shown);
      queue.on('error', () => undefined);
      this.#queues.push(queue);
    }
    const serverAdapter = new ExpressAdapter();
    serverAdapter.setBasePath(path);
    createBullBoard({
      queues: this.#queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: !mayChange })),
      serverAdapter,
      // Workers would be found by CLIENT LIST, a right that a user of Redis need not have.
      options: { uiConfig: { boardTitle: 'Jobs', showWorkers: false } },
    });
    return serverAdapter.getRouter() as BoardMiddleware;
  }

  /** One for all queues, but where each may be on another server. */
  #connectionOf(redis: RedisLink, prefix: string): JobConnection {
    const [first] = this.#connections;
    if (first !== undefined && !redis.isCluster) return first;
    const connection = redis.openJobConnection('ask', prefix);
    this.#connections.push(connection);
    return connection;
  }
}
