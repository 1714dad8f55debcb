import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Problem, problemResponse } from '../http/problems';
import { factsOf } from './request-facts';

/** Answers with a problem; where an answer has begun already, that one is broken off. */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
): void {
  if (response.headersSent) return void response.destroy();
  const { status, headers, document } = problemResponse(problem, factsOf(request).id);
  const body = JSON.stringify(document);
  response.writeHead(status, { ...headers, 'Content-Length': `${Buffer.byteLength(body)}` });
  response.end(request.method === 'HEAD' ? undefined : body);
}
