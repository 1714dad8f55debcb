import { CreateAcls } from '@sluice/wire';
import { noAcls } from '../admin-requests/no-acls';
import { handle } from '../requests/handler';

/**
 * CreateAcls, v1–v3 (v2: flexible). There are no ACLs: each is refused with SECURITY_DISABLED, as
 * in a Kafka without an authorizer.
 */
export const createAcls = handle(CreateAcls, (_, { creations }) => ({
  results: creations.map(() => noAcls),
}));
