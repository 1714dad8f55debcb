import type { Request, Response } from 'express';
import type { HousekeepingQueue } from '@sluice/retention';

/** Where the pages are; they load everything else relative to it. */
export const boardPath = '/queues';

/** Answers a request below `boardPath`; calls `next` where there is nothing, or with an error. */
export type Board = (request: Request, response: Response, next: (error?: unknown) => void) => void;

/**
 * Bull Board on the queue of the housekeeping. It shows and changes nothing: who changes goes
 * through /v1/retention, which knows what a job may be. Its packages are loaded by the first call.
 */
export async function loadBoard(queue: HousekeepingQueue): Promise<Board> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const server = new ExpressAdapter();
  server.setBasePath(boardPath);
  createBullBoard({
    queues: [new BullMQAdapter(queue, { readOnlyMode: true })],
    serverAdapter: server,
    options: {
      uiConfig: {
        boardTitle: 'Sluice',
        // It would ask for CLIENT LIST, a right that a user of Redis need not have.
        showWorkers: false,
      },
    },
  });
  // Ours tells better what has failed, and when to come again.
  server.setErrorHandler((error) => {
    throw error;
  });
  const app = server.getRouter() as Board & { disable(setting: string): void };
  app.disable('x-powered-by');
  app.disable('etag');
  return app;
}
