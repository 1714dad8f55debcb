import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { allows } from '../keys/api-keys';
import { challenge } from '../server/credentials';
import { factsOf } from '../server/request-facts';
import { endpointFacts } from './endpoint';
import { Problem } from './problems';

/** Lets only those pass whose key allows what an endpoint needs, and who take what it answers. */
@Injectable()
export class EndpointGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const facts = endpointFacts(context.getHandler());
    if (!facts) throw new Error(`${context.getHandler().name} has no role`);
    const request = context.switchToHttp().getRequest<Request>();
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
    return true;
  }
}
