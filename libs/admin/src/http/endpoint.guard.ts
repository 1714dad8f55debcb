import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request, Response } from 'express';
import { allows } from '../keys/api-keys';
import { challenge } from '../server/credentials';
import { Bodies } from '../server/bodies';
import { factsOf } from '../server/request-facts';
import { endpointFacts, type EndpointFacts } from './endpoint';
import { Problem } from './problems';

/**
 * Lets only those pass whose key allows what an endpoint needs, and who take what it answers; and
 * only their bodies are read.
 */
@Injectable()
export class EndpointGuard implements CanActivate {
  constructor(private readonly bodies: Bodies) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const facts = endpointFacts(context.getHandler());
    if (!facts) throw new Error(`${context.getHandler().name} has no role`);
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    checkCaller(request, facts);
    // Whoever has no key, as at what is open, sends nothing that is kept.
    if (factsOf(request).caller === null) return true;
    request.body = await this.bodies.read(request, http.getResponse<Response>());
    return true;
  }
}

/** @throws Problem */
function checkCaller(request: Request, facts: EndpointFacts): void {
  const { role, produces = 'application/json' } = facts;
  const { caller, refusal } = factsOf(request);
  if (role !== 'open' && refusal !== undefined) throw refusal;
  if (role !== 'open' && caller === null) {
    const detail = `Send a key with the role ${role}: Authorization: Bearer <key>.`;
    throw new Problem('key-missing', detail, { headers: challenge });
  }
  if (role !== 'open' && caller !== null && !allows(caller.role, role)) {
    const { name, role: own } = caller;
    const detail = `The key '${name}' has the role ${own}, and this needs ${role}.`;
    throw new Problem('role-too-low', detail);
  }
  if (produces !== '*/*' && request.accepts(produces) === false) {
    throw new Problem('not-acceptable', `This answers ${produces}. Accept that, or */*.`);
  }
}
