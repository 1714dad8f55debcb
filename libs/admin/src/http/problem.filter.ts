import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Logger } from '@sluice/base';
import { sendProblem } from '../server/send-problem';
import type { RouteTable } from '../server/route-table';
import { problemOfError } from './problem-of-error';
import { Problem } from './problems';

/** Answers whatever goes wrong with a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteTable,
    private readonly log: Logger,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    if (response.destroyed) return;
    const problem =
      problemOfError(error) ?? this.#ofFramework(error, request) ?? this.#fault(error, request);
    sendProblem(request, response, problem);
  }

  /** What Nest and Express refuse themselves. */
  #ofFramework(error: unknown, request: Request): Problem | undefined {
    const { method, path } = request;
    const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
    if (status === 404) {
      const allowed = this.routes.methodsOf(path);
      if (allowed.length === 0) {
        return new Problem('unknown-route', `There is no ${path} here. /docs has what there is.`);
      }
      const headers = { Allow: allowed.join(', ') };
      const detail = `${path} takes ${headers.Allow}, and not ${method}.`;
      return new Problem('method-not-allowed', detail, { headers });
    }
    // A path that is not well encoded.
    if (status === 400) return new Problem('invalid-request', 'The address cannot be read.');
    return undefined;
  }

  #fault(error: unknown, request: Request): Problem {
    const { stack } = error as Error;
    const { method, path } = request;
    this.log.error('an admin request failed', { method, path, error: stack ?? String(error) });
    return new Problem('internal-error', 'The log of the gateway has the reason.');
  }
}

function statusOf(error: unknown): unknown {
  return (error as { status?: unknown } | null)?.status;
}
