import { Controller, Inject, Req, Res, VERSION_NEUTRAL } from '@nestjs/common';
import type { Request, Response } from 'express';
import { attempt } from '@sluice/redis';
import type { HousekeepingQueue } from '@sluice/retention';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { Problem } from '../http/problems';
import { ADMIN_PARTS } from '../tokens';
import { boardPath, loadBoard, type Board } from './bull-board';

/** How long a browser may keep scripts and styles, whose names change with each version. */
const cacheSeconds = 3_600;

/** What the page is allowed: nothing from elsewhere, also not the fonts that it names. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "base-uri 'self'",
  "font-src 'self' data:",
  "form-action 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src 'self'",
  "script-src-attr 'none'",
  "style-src 'self' 'unsafe-inline'",
].join(';');

/**
 * The queue in a browser, by Bull Board. Only what is read has a route, so that nothing of it can
 * change anything, whatever a later version brings.
 */
@Controller({ path: 'queues', version: VERSION_NEUTRAL })
export class BullBoardController {
  #board: Promise<Board> | null = null;

  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'The queue of the housekeeping, in a browser',
    about:
      'Bull Board: jobs with their data, errors and schedules. It shows and changes nothing; ' +
      'runs are asked for and tried again under /v1/retention/runs.',
    produces: 'text/html',
    problems: ['redis-unavailable'],
  })
  showBoard(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.#show(request, response);
  }

  @Endpoint('GET', '*path', {
    role: 'read',
    summary: 'A part of the page',
    produces: '*/*',
    isHidden: true,
  })
  showBoardPart(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.#show(request, response);
  }

  async #show(request: Request, response: Response): Promise<void> {
    const { path } = request;
    // Who works is counted by /v1/queues.
    if (/^\/queues\/api\/queues\/[^/]+\/workers\/?$/.test(path)) throw nothingAt(path);
    const queue = await this.parts.housekeeping.queue();
    const board = await this.#loaded(queue);
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    if (path.startsWith(`${boardPath}/static/`)) {
      response.setHeader('Cache-Control', `private, max-age=${cacheSeconds}`);
    }
    await attempt('jobs/board', answered(board, request, response));
  }

  /** Loaded once; what has failed is tried again by the next request. */
  #loaded(queue: HousekeepingQueue): Promise<Board> {
    this.#board ??= loadBoard(queue).catch((error: unknown) => {
      this.#board = null;
      throw error;
    });
    return this.#board;
  }
}

/** Settles when the board has answered, or the caller is gone. */
function answered(board: Board, request: Request, response: Response): Promise<void> {
  const { path, url } = request;
  // As Express does it where one application is mounted in another.
  request.url = url.slice(boardPath.length).replace(/^(?!\/)/, '/');
  return new Promise((resolve, reject) => {
    response.once('close', resolve);
    board(request, response, (error) => {
      request.url = url;
      reject((error as Error | undefined) ?? nothingAt(path));
    });
  });
}

function nothingAt(path: string): Problem {
  return new Problem('unknown-route', `There is no ${path} here. Begin at ${boardPath}.`);
}
